#!/bin/sh
# An example, not run by the package: makes /var/lib/larder a vault, a store
# that users reach only through larder, so that access grants are enforced and
# not only advisory. Read "larder access --help" first.
#
#   sudo sh setgid-vault.sh          set up
#   sudo sh setgid-vault.sh undo     back to advisory; the store stays
set -eu

group=larder
vault=/var/lib/larder/larder.db
program=$(command -v larder)

if [ "${1:-}" = undo ]; then
    chgrp root "$program"
    chmod 0755 "$program"
    rm -f /etc/larder/vaults
    exit 0
fi

getent group "$group" >/dev/null || groupadd --system "$group"
install -d -m 2770 -o root -g "$group" "$(dirname "$vault")"
install -d -m 0755 -o root -g root /etc/larder
printf '%s\n' "$vault" >/etc/larder/vaults
chmod 0644 /etc/larder/vaults

# The store itself, readable and writable by the group alone.
[ -e "$vault" ] || (umask 007 && "$program" --db "$vault" set setup done yes && "$program" --db "$vault" delete setup done)
for file in "$vault" "$vault-wal" "$vault-shm"; do
    [ ! -e "$file" ] || { chown "root:$group" "$file" && chmod 0660 "$file"; }
done

chgrp "$group" "$program"
chmod 2755 "$program"
LARDER_DB=$vault "$program" info

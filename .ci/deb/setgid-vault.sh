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
program=$(readlink -f "$(command -v larder)")

list=/etc/larder/vaults

# The mode of the program; that of a packaged file is told to dpkg, or the next
# upgrade would take it back.
packaged() {
    command -v dpkg-statoverride >/dev/null && dpkg -S "$program" >/dev/null 2>&1
}
override=
! packaged || override=$(dpkg-statoverride --list "$program" || :)
ours="root $group 2755 $program"

if [ "${1:-}" = undo ]; then
    if [ -e "$list" ]; then
        { grep -vxF "$vault" "$list" || :; } >"$list.new"
        # Whatever the umask: larder reads it with the rights of its caller.
        chmod 0644 "$list.new"
        mv "$list.new" "$list"
    fi
    # Other vaults still need it.
    if [ -e "$list" ] && grep -q '^[[:space:]]*/' "$list"; then
        exit 0
    fi
    rm -f "$list"
    # A mode that somebody else has told dpkg is not this script's.
    if [ -n "$override" ] && [ "$override" != "$ours" ]; then
        exit 0
    fi
    [ -z "$override" ] || dpkg-statoverride --remove "$program"
    chgrp root "$program"
    chmod 0755 "$program"
    exit 0
fi

if [ -n "$override" ] && [ "$override" != "$ours" ]; then
    echo "$0: dpkg-statoverride has another mode for the program: $override" >&2
    exit 1
fi
getent group "$group" >/dev/null || groupadd --system "$group"
install -d -m 2770 -o root -g "$group" "$(dirname "$vault")"
install -d -m 0755 -o root -g root /etc/larder
# The last line may have been left without its end.
[ ! -s "$list" ] || [ -z "$(tail -c 1 "$list")" ] || echo >>"$list"
grep -qxF "$vault" "$list" 2>/dev/null || printf '%s\n' "$vault" >>"$list"
chmod 0644 "$list"

# The store itself, readable and writable by the group alone. Only root makes
# the two files beside it.
[ -e "$vault" ] || (umask 007 && "$program" --db "$vault" set setup done yes && "$program" --db "$vault" delete setup done)
"$program" --db "$vault" info >/dev/null
for file in "$vault" "$vault-wal" "$vault-shm"; do
    [ ! -e "$file" ] || { chown "root:$group" "$file" && chmod 0660 "$file"; }
done

if packaged && [ -z "$override" ]; then
    dpkg-statoverride --add root "$group" 2755 "$program"
fi
chgrp "$group" "$program"
chmod 2755 "$program"
LARDER_DB=$vault "$program" info

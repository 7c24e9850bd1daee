#!/bin/sh
# Builds larder and does its main job on a real file: the machine's package
# database, or tests/data/packages.txt where there is none. Loads it (group =
# section, key = package, value = the stanza, a time to live on some), reads a
# package back, counts a section and renders a report from a group.
#
#   sh tests/main-job.sh [DIRECTORY]     work there; a temporary one by default
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
(cd "$root" && cargo build --release --locked --quiet)
# The build names its target, so the program lies below the target's name;
# target/release/larder leads to it too.
target=${CARGO_TARGET_DIR:-$root/target}
for larder in "$target"/*/release/larder "$target"/release/larder; do
    [ -x "$larder" ] && [ ! -L "$larder" ] && break
done
mkdir -p "$target/release"
[ "$larder" -ef "$target/release/larder" ] || ln -sf "$larder" "$target/release/larder"

work=${1:-$(mktemp -d)}
mkdir -p "$work"
cd "$work"
unset LARDER_NAMESPACE
LARDER_DB=$work/packages.db
export LARDER_DB

# Stanzas, a blank line after each.
if apt-cache dumpavail 2>/dev/null | grep -q '^Package:'; then
    source='apt-cache dumpavail'
    apt-cache dumpavail >packages.txt
elif dpkg-query -W >/dev/null 2>&1; then
    source='dpkg-query -W'
    dpkg-query -W -f='Package: ${Package}\nVersion: ${Version}\nSection: ${Section}\nMaintainer: ${Maintainer}\nDescription: ${Description}\n\n' >packages.txt
else
    source=tests/data/packages.txt
    cp "$root/tests/data/packages.txt" packages.txt
fi

# To JSON lines. Documentation expires after a week, as an example.
LC_ALL=C awk '
BEGIN { RS = ""; FS = "\n"; for (i = 1; i < 32; i++) control[sprintf("%c", i)] = sprintf("\\u%04x", i) }
function json(text,   out, c, i) {
    gsub(/\\/, "\\\\", text); gsub(/"/, "\\\"", text); gsub(/\n/, "\\n", text); gsub(/\t/, "\\t", text)
    if (text !~ /[\001-\037]/) return "\"" text "\""
    for (i = 1; i <= length(text); i++) { c = substr(text, i, 1); out = out (c in control ? control[c] : c) }
    return "\"" out "\""
}
{
    package = section = ""
    for (i = 1; i <= NF; i++) {
        if ($i ~ /^Package: /) package = substr($i, 10)
        if ($i ~ /^Section: /) section = substr($i, 10)
    }
    if (package == "") next
    if (section == "") section = "none"
    printf "{\"group\":%s,\"key\":%s,\"value\":%s%s}\n", json(section), json(package), json($0), section == "doc" ? ",\"ttl_ms\":604800000" : ""
}' packages.txt >packages.jsonl

"$larder" import packages.jsonl --on-conflict replace
printf 'loaded %s packages from %s\n' "$("$larder" count)" "$source"

section=$("$larder" --json list | sed 's/.*"group":"\([^"]*\)","keys":\([0-9]*\).*/\2 \1/' | sort -rn | sed -n '1s/^[0-9]* //p')
printf 'the largest section, %s, holds %s\n' "$section" "$("$larder" count "$section")"

package=$("$larder" list "$section" --limit 1)
printf 'its first package, read back:\n'
"$larder" get "$section" "$package" --newline always | sed -n '1,3s/^/    /p'

"$larder" set report section "$section"
"$larder" set report count "$("$larder" count "$section")"
"$larder" set report first "$package"
printf 'Section {{section}} holds {{count}} packages; {{first}} is the first.\n' >report.hbs
"$larder" render report report.hbs -o report.txt
cat report.txt

"$larder" list doc --limit 1 | while IFS= read -r package; do
    printf '%s expires in %s ms\n' "$package" "$("$larder" ttl doc "$package")"
done

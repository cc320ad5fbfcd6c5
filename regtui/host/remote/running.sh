# What a registry's running process was started with: each line "word …" of its command line, then each "variable …", a line
# break within one as \001; then "process", or "unread" where its environment may not be read. Of process $1 and of those that
# it began; inside of a container, where the host's numbers mean nothing, of the first process and those. Where $1 is 0, of
# the first process alone. Several where what starts the registry has the same words.

top=$1
test "$top" != 0 && test -d "/proc/$top" || top=1

alone=no
test "$1" != 0 || alone=yes

is_below() {
    at=$1
    test "$at" != "$top" || return 0
    test "$alone" = no || return 1
    for _ in 1 2 3 4 5 6 7 8; do
        test "$at" != "$top" || return 0
        at=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$at/status" 2>/dev/null)
        test "${at:-0}" != 0 || return 1
    done
    return 1
}

told() {
    { LC_ALL=C tr '\n\0' '\001\n' < "$1" | sed "s/^/$2 /"; } 2>/dev/null
}

printf '%s\n' /proc/[0-9]*/cmdline | xargs grep -ls serve | while read -r file; do
    pid=${file#/proc/}
    pid=${pid%/*}
    is_below "$pid" && told "$file" word | grep -qx 'word serve' || continue
    told "$file" word
    if variables=$(told "/proc/$pid/environ" variable) && test -n "$variables"; then
        printf '%s\nprocess\n' "$variables"
    else
        echo unread
    fi
done
exit 0

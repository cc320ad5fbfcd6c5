# Registries that serve from one storage, as "process PID PROGRAM": all but process $1, whose storage it is, at $2 as that
# process sees it; at $2 of the host itself, where $1 is 0. Of what this login may not see there is nothing.

# Device and inode of the storage at $2 as process $1 sees it: the same through whatever mount it is seen.
identity() {
    way=$(seen "$1" "$2/docker/registry/v2") && stat -c '%d:%i' "$way" 2>/dev/null
}

# Where path $2 of process $1 is. Links on its way are that process's own: what begins with / begins at its root.
seen() {
    top=/proc/$1/root at=/proc/$1/root rest=$2 links=0
    case $rest in
        /*) ;;
        *) at=/proc/$1/cwd ;;
    esac
    test "$1" != 0 || top='' at=''
    while test -n "$rest"; do
        name=${rest%%/*}
        case $rest in
            */*) rest=${rest#*/} ;;
            *) rest= ;;
        esac
        case $name in
            '' | .) continue ;;
            # Its root has nothing above it.
            ..) test "$at/." -ef "$top/." || at=$at/.. ;;
            *) at=$at/$name ;;
        esac
        test -L "$at" || continue
        links=$((links + 1))
        test "$links" -lt 40 && led_to=$(readlink "$at") || return 1
        case $led_to in
            /*) at=$top ;;
            *) at=${at%/*} ;;
        esac
        rest=$led_to/$rest
    done
    echo "${at:-/}"
}

# Whether process $1 has variable $2. Each is one line here: a line break within one is \001.
has_variable() {
    tr '\n\0' '\001\n' < "/proc/$1/environ" 2>/dev/null | grep -q "^$2="
}

variable() {
    tr '\n\0' '\001\n' < "/proc/$1/environ" 2>/dev/null | sed -n "s/^$2=//p" | head -n 1 | tr '\001' '\n'
}

# The root that a config, or a section of one, names.
named_root() {
    sed -n "s/.*rootdirectory[\"']*[[:space:]]*:[[:space:]]*[\"']*\([^\"',}]*\).*/\1/p" | head -n 1
}

# The storage's root of process $1, as its environment or its config names it. As the registry reads them: a section of the
# environment is in place of all that is said less exactly. Fails where neither has one.
told_root() {
    for name in REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY REGISTRY_STORAGE_FILESYSTEM REGISTRY_STORAGE; do
        has_variable "$1" "$name" || continue
        case $name in
            *_ROOTDIRECTORY) set_by=$(variable "$1" "$name") ;;
            *) set_by=$(variable "$1" "$name" | named_root) ;;
        esac
        echo "${set_by:-/var/lib/registry}"
        return
    done
    config=$(tr '\0' '\n' < "/proc/$1/cmdline" 2>/dev/null | grep '\.ya\{0,1\}ml$' | tail -n 1)
    test -n "$config" || config=$(variable "$1" REGISTRY_CONFIGURATION_PATH)
    config=$(seen "$1" "$config") || config=
    # A file, and not for ever: it is named by whoever's process that is.
    test -f "$config" || return 1
    set_by=$(head -c 262144 "$config" 2>/dev/null | named_root)
    test -n "$set_by" && echo "$set_by"
}

# Processes that may be registries: those with the word somewhere among what they were started with. One look at all, as
# a host has thousands.
with_the_word() {
    printf '%s\n' /proc/[0-9]*/cmdline | xargs grep -ls serve
}

ours=$(identity "$1" "$2")
test -n "$ours" || exit 0
for file in $(with_the_word); do
    pid=${file#/proc/}
    pid=${pid%/*}
    test "$pid" != "$1" || continue
    words=$(tr '\0' '\n' < "$file" 2>/dev/null)
    printf '%s\n' "$words" | grep -qx serve || continue
    program=$(printf '%s\n' "$words" | head -n 1)
    program=${program##*/}
    root=$(told_root "$pid") || case $program in
        registry | docker-registry) root=/var/lib/registry ;;
        # Of another name it is one by what it is told alone.
        *) continue ;;
    esac
    theirs=$(identity "$pid" "$root")
    test "$theirs" != "$ours" || printf 'process %s %s\n' "$pid" "$program"
done

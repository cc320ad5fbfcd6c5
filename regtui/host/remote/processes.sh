# Registries that serve from one storage, as "process PID PARENT PROGRAM": all but process $1, whose storage it is, at $2 as that
# process sees it; at $2 of the host itself, where $1 is 0. Nor those $3, whose first processes are stopped with it or can't
# write. Of what this login may not see there is nothing.

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

# YAML without what stands in it for people: whole lines, and what follows a value.
without_comments() {
    sed 's/^[[:space:]]*#.*//; s/[[:space:]]#.*//'
}

# What a config, or a section of one, may name as the root, a line each: the root's own value, and whatever else is a path
# in it. YAML has more ways to write one than a shell can read, and what leads to our storage is another one's by any.
named_roots() {
    named=$(without_comments)
    case $named,$program in
        *rootdirectory*) ;;
        *,registry | *,docker-registry) echo /var/lib/registry ;;
    esac
    printf '%s\n' "$named" |
        sed -n "s/.*rootdirectory[\"']*[[:space:]]*:[[:space:]]*[\"']*\([^\"',}]*\).*/\1/p" | sed 's/[[:space:]]*$//'
    printf '%s\n' "$named" | tr -s "[:space:]\"',{}[]=" '\n' | grep '^/.' | sort -u | head -n 100
}

# The word after `serve`, whatever it is called, as the registry has it.
served() {
    tr '\0' '\n' < "/proc/$1/cmdline" 2>/dev/null | sed '1,/^serve$/d' | grep -v '^-' | head -n 1
}

# The first of file $1, which belongs to whoever's process named it: of a true file alone, as what the kernel shows like
# one may never end (all of that has no size), and not for long.
first_of() {
    case /${1#/proc/*/root/} in /proc/* | /sys/* | /dev/*) return 1 ;; esac
    test -f "$1" && test -s "$1" || return 1
    if command -v timeout >/dev/null 2>&1; then timeout -s KILL 5 head -c 262144 -- "$1"; else head -c 262144 -- "$1"; fi
} 2>/dev/null

# What may be the storage's root of process $1, a line each, as its environment or its config names it. As the registry reads
# them: a section of the environment is in place of all that is said less exactly. Nothing where neither has one.
told_roots() {
    for name in REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY REGISTRY_STORAGE_FILESYSTEM REGISTRY_STORAGE; do
        has_variable "$1" "$name" || continue
        case $name in
            *_ROOTDIRECTORY) set_by=$(variable "$1" "$name") ;;
            *) set_by=$(variable "$1" "$name" | named_roots) ;;
        esac
        echo "${set_by:-/var/lib/registry}"
        return
    done
    config=$(served "$1")
    test -n "$config" || config=$(variable "$1" REGISTRY_CONFIGURATION_PATH)
    test -n "$config" && config=$(seen "$1" "$config") && first_of "$config" | named_roots
}

# Processes that may be registries: those with the word somewhere among what they were started with. One look at all, as
# a host has thousands.
with_the_word() {
    printf '%s\n' /proc/[0-9]*/cmdline | xargs grep -ls serve
}

above() {
    sed -n 's/^PPid:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null
}

# Whether process $1 ends with one of ours: it was started by that, as by an init or a script around the registry, or is
# in a container that is ours.
is_our_own() {
    within=$(readlink "/proc/$1/ns/pid" 2>/dev/null)
    test -z "$within" || case $namespaces in *" $within "*) return 0 ;; esac
    each=$1
    while test "${each:-0}" -gt 1; do
        case $own in *" $each "*) return 0 ;; esac
        each=$(above "$each")
    done
    return 1
}

own=" $1 $3 " namespaces=' '
for pid in $own; do
    within=$(readlink "/proc/$pid/ns/pid" 2>/dev/null)
    # All of the host's are in one.
    test "$within" = "$(readlink /proc/self/ns/pid)" || namespaces="$namespaces$within "
done
ours=$(identity "$1" "$2")
test -n "$ours" || exit 0
for file in $(with_the_word); do
    pid=${file#/proc/}
    pid=${pid%/*}
    words=$(tr '\0' '\n' < "$file" 2>/dev/null)
    printf '%s\n' "$words" | grep -qx serve || continue
    ! is_our_own "$pid" || continue
    program=$(printf '%s\n' "$words" | head -n 1)
    program=${program##*/}
    roots=$(told_roots "$pid")
    case $roots,$program in
        ,registry | ,docker-registry) roots=/var/lib/registry ;;
    esac
    # Of another name it is one by what it is told alone.
    printf '%s\n' "$roots" | while read -r root; do
        test -n "$root" || continue
        test "$(identity "$pid" "$root")" = "$ours" || continue
        parent=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$pid/status" 2>/dev/null)
        printf 'process %s %s %s\n' "$pid" "${parent:-0}" "$program"
        break
    done
done
exit 0

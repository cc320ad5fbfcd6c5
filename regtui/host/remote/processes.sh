# Registries that serve from one storage, as "process PID PROGRAM": all but process $1, whose storage it is, at $2 as that
# process sees it; at $2 of the host itself, where $1 is 0. Of what this login may not see there is nothing.

# Device and inode of a storage: the same through whatever mount it is seen.
identity() {
    stat -Lc '%d:%i' "$1/docker/registry/v2" 2>/dev/null
}

# Where path $2 of process $1 is.
seen() {
    case $2 in
        /*) echo "/proc/$1/root$2" ;;
        *) echo "/proc/$1/cwd/$2" ;;
    esac
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

# The storage's root of process $1, by its environment, its config, or as it is without either. As the registry reads them:
# a section of the environment is in place of all that is said less exactly.
root_of() {
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
    config=$(seen "$1" "$config")
    # A file, and not for ever: it is named by whoever's process that is.
    set_by=
    test ! -f "$config" || set_by=$(head -c 262144 "$config" 2>/dev/null | named_root)
    echo "${set_by:-/var/lib/registry}"
}

if test "$1" = 0; then ours=$(identity "$2"); else ours=$(identity "$(seen "$1" "$2")"); fi
test -n "$ours" || exit 0
for directory in /proc/[0-9]*; do
    pid=${directory#/proc/}
    test "$pid" != "$1" || continue
    words=$(tr '\0' '\n' < "$directory/cmdline" 2>/dev/null)
    program=$(printf '%s\n' "$words" | head -n 1)
    case ${program##*/} in
        registry | docker-registry) ;;
        *) continue ;;
    esac
    printf '%s\n' "$words" | grep -qx serve || continue
    theirs=$(identity "$(seen "$pid" "$(root_of "$pid")")")
    test "$theirs" != "$ours" || printf 'process %s %s\n' "$pid" "${program##*/}"
done

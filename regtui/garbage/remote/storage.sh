# Questions to the storage, for a shell that sees it: often busybox's, in a container. $1 is the storage's root, $2 one of
# the functions here, the rest its words; lists stand on stdin. Sizes are those of the blobs' data files as ls tells
# them: the options of stat differ between systems.
root=$1
shift

in_storage() {
    cd "$root/docker/registry/v2" 2>/dev/null && return 0
    # Not to be let in isn't the same as that there is nothing.
    (cd "$root" && ls docker/registry/v2/.) 2>&1 >/dev/null | grep -i 'permission denied' >&2
    return 1
}

# "BLOBS BYTES" of all blobs.
measure() {
    in_storage || return 0
    find blobs -type f -name data -exec ls -ln {} + 2>/dev/null |
        awk '{ n += 1; bytes += $5 } END { printf "%.0f %.0f\n", n, bytes }'
}

# "KIND REPOSITORY ..." of what there is but blobs: repository, tag, upload, revision and layer.
listing() {
    in_storage && cd repositories 2>/dev/null || return 0
    find . -path '*/_manifests/tags/*/index' -prune -o -print | sed -n \
        -e 's|^\./\(.*\)/_manifests$|repository \1|p' \
        -e 's|^\./\(.*\)/_layers$|repository \1|p' \
        -e 's|^\./\(.*\)/_uploads/[^/]*$|upload \1|p' \
        -e 's|^\./\(.*\)/_manifests/tags/\([^/]*\)$|tag \1 \2|p' \
        -e 's|^\./\(.*\)/_manifests/revisions/\([a-z0-9]*\)/\([0-9a-f]*\)/link$|revision \1 \2:\3|p' \
        -e 's|^\./\(.*\)/_layers/\([a-z0-9]*\)/\([0-9a-f]*\)/link$|layer \1 \2:\3|p'
}

# "head REPOSITORY TAG DIGEST" of the tags "REPOSITORY TAG" on stdin, where they are there.
heads() {
    in_storage && cd repositories 2>/dev/null || return 0
    while read -r name tag; do
        link=$name/_manifests/tags/$tag/current/link
        # No more than it can be, and of a file alone: whoever may write to the storage could lead it elsewhere.
        if test -f "$link" && test ! -L "$link" && test ! -L "${link%/link}"; then
            printf 'head %s %s %s\n' "$name" "$tag" "$(head -c 200 "./$link" | tr -cd 'a-z0-9:')"
        fi
    done
}

# "pushed REPOSITORY TAG SECONDS" of each tag: when its link was written, in seconds since 1970.
pushed() {
    in_storage && cd repositories 2>/dev/null || return 0
    find . \( -name _layers -o -name _uploads -o -path '*/_manifests/revisions' -o -path '*/_manifests/tags/*/index' \) \
        -prune -o -path '*/_manifests/tags/*/current/link' -exec stat -c '%Y %n' {} + 2>/dev/null |
        sed -n 's|^\([0-9]*\) \./\(.*\)/_manifests/tags/\([^/]*\)/current/link$|pushed \2 \3 \1|p'
}

# "REPOSITORY ID SECONDS BYTES" of each upload that was begun and not ended: how long nothing came, and what is there.
uploads() {
    in_storage && cd repositories 2>/dev/null || return 0
    find . \( -name _layers -o -name _manifests \) -prune -o -path '*/_uploads/*' -exec stat -c '%Y %s %n' {} + |
        awk -v now="$(date +%s)" '{
            name = $0
            sub(/^[0-9]+ [0-9]+ \.\//, "", name)
            begin = index(name, "/_uploads/")
            rest = substr(name, begin + 10)
            id = rest
            sub(/\/.*/, "", id)
            key = substr(name, 1, begin - 1) " " id
            if (!(key in last) || $1 > last[key]) last[key] = $1
            if (rest == id "/data") bytes[key] = $2
        } END { for (key in last) printf "%s %.0f %.0f\n", key, now - last[key], bytes[key] }'
}

# "BYTES DIGEST" of the blobs whose digests stand on stdin; nothing for those that aren't there.
sizes() {
    in_storage || return 0
    sed -n 's|^\([a-z0-9]*\):\(..\)\([0-9a-f]*\)$|blobs/\1/\2/\2\3/data|p' | xargs ls -ln 2>/dev/null |
        awk '$NF ~ /^blobs\// { print $5, $NF }' | sed -n 's|blobs/\([a-z0-9]*\)/../\([0-9a-f]*\)/data$|\1:\2|p'
}

# "USED FREE" in bytes, of the disk that the storage is on.
disk() {
    df -Pk "$root" 2>/dev/null | awk 'NR == 2 { printf "%.0f %.0f\n", $3 * 1024, $4 * 1024 }'
}

# Whether the directory that we are in, a repository's, has nothing but layers. What is a link is nobody's to judge.
holds_nothing() {
    test ! -L _manifests && test ! -L _uploads && test ! -L _layers &&
        test -z "$(find _manifests -type f 2>/dev/null | head -n 1)" &&
        # Without -type: an upload that was begun and has no byte yet is a directory.
        test -z "$(find _uploads -mindepth 1 2>/dev/null | head -n 1)"
}

# Enters the directory of all repositories, for what removes something there. Whoever may write to the storage doesn't
# choose by a link what goes elsewhere: where we are is what it is called, and stays that.
in_repositories() {
    top=$(cd -P "$root" 2>/dev/null && pwd -P) && top=${top%/}/docker/registry/v2/repositories
    in_storage && cd -P repositories 2>/dev/null && test "$(pwd -P)" = "$top"
}

# Enters $1 below it.
enter() {
    cd -P "./$1" 2>/dev/null && test "$(pwd -P)" = "$top/$1"
}

# Removes the directories of the repositories on stdin, where neither manifest nor tag nor upload is in them; says which.
# With $1 = while-it-runs the registry may be taking pushes: nothing may have changed there for ten minutes, and what
# is removed was moved away first, looked at again, and put back where something came in between.
remove_empty() {
    in_repositories || return 0
    while read -r name; do
        case $name in -* | /* | *..* | _*) continue ;; esac
        if test "${1:-}" = while-it-runs; then
            (enter "$name" && holds_nothing && remove_checked) || continue
        else
            # What nests below it is another repository: only its own directories go.
            (enter "$name" && holds_nothing && rm -rf _manifests _layers _uploads) || continue
        fi
        echo "removed $name"
        remove_parents "$name"
    done
}

# The directory of $1 and what held it alone, up to the first that holds something else.
remove_parents() {
    below=$1
    while test "$below" != .; do
        within=$(dirname "$below")
        ({ test "$within" = . || enter "$within"; } && rmdir "./${below##*/}") 2>/dev/null || return 0
        below=$within
    done
}

# Of the repository whose directory we are in.
remove_checked() {
    aside=_regtui_removed
    fresh=$(find _manifests _layers _uploads -mmin -10 2>/dev/null | head -n 1)
    test -z "$fresh" && mkdir "$aside" 2>/dev/null || return 1
    for part in _uploads _manifests _layers; do
        test ! -d "$part" || mv "$part" "$aside/$part"
    done
    if (cd -P "$aside" && holds_nothing) && test ! -e _uploads && test ! -e _manifests && test ! -e _layers; then
        rm -rf "$aside"
        return 0
    fi
    put_back "$aside"
    return 1
}

# Every file of $1 that has no newer one here.
put_back() {
    (cd -P "$1" && find . -type f) | while read -r file; do
        test -e "$file" || { mkdir -p "$(dirname "$file")" && mv "$1/$file" "$file"; }
    done
    (cd -P "$1" && find . -type d) | while read -r directory; do mkdir -p "$directory"; done
    rm -rf "$1"
}

# Removes the uploads on stdin ("REPOSITORY ID") to which nothing came for $1 minutes; says which.
remove_uploads() {
    in_repositories || return 0
    while read -r name id; do
        case $name/$id in -* | /* | *..* | _*) continue ;; esac
        test -n "$id" || continue
        (enter "$name/_uploads" && test -d "./$id" && test ! -L "./$id" &&
            test -z "$(find "./$id" -mmin "-$1" 2>/dev/null | head -n 1)" && rm -rf "./$id") || continue
        echo "removed $name $id"
    done
}

# The listing without layers, which are nine lines of ten.
facts() {
    listing | grep -v '^layer '
}

# All that is looked at before a collection: the facts, and the others with a word of their own before each line. The
# exit code is that of the facts.
survey() {
    facts
    code=$?
    disk | sed 's/^/disk /'
    measure | sed 's/^/blobs /'
    uploads 2>/dev/null | sed 's/^/idle /'
    return "$code"
}

# Of the listing, the layers whose digests stand on stdin.
layers() {
    { sed 's/^/wanted /'; listing; } | awk '$1 == "wanted" { wanted[$2] = 1 } $1 == "layer" && $3 in wanted'
}

# The pids of collectors of the config $1 that this shell sees.
collecting() {
    for file in /proc/[0-9]*/cmdline; do
        # Not grep: busybox's looks no further than the first word. A shell reads them in one, without what parts them.
        words= && { read -r words < "$file"; } 2>/dev/null
        case $words in *garbage-collect*) ;; *) continue ;; esac
        case "$({ tr '\0' ' ' < "$file"; } 2>/dev/null)" in
            *" garbage-collect $1 " | *" garbage-collect -- $1 ") file=${file%/cmdline} && echo "${file#/proc/}" ;;
        esac
    done
}

"$@"

# Questions to the storage, read from stdin by a shell that sees it: often busybox's, in a container. $root is set.
# Sizes are those of the blobs' data files as ls tells them: the options of stat differ between systems.

in_storage() {
    cd "$root/docker/registry/v2" 2>/dev/null
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
        if test -f "$link"; then printf 'head %s %s %s\n' "$name" "$tag" "$(cat "$link")"; fi
    done
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

# Removes these repositories' directories, where neither manifest nor tag nor upload is in them; says which.
remove_empty() {
    in_storage && cd repositories || return 0
    for name in "$@"; do
        test -d "$name" || continue
        # What nests below it is another repository: only its own directories go.
        left=$(find "$name/_manifests" "$name/_uploads" -type f 2>/dev/null | head -n 1)
        test -z "$left" || continue
        # -type d: an upload that was begun and has no byte yet is a directory.
        left=$(find "$name/_uploads" -mindepth 1 2>/dev/null | head -n 1)
        test -z "$left" || continue
        rm -rf "$name/_manifests" "$name/_layers" "$name/_uploads" && echo "removed $name"
        # It and what held it alone, up to the first that holds something else.
        while test "$name" != . && rmdir "$name" 2>/dev/null; do name=$(dirname "$name"); done
    done
}

# The listing without layers, which are nine lines of ten.
facts() {
    listing | grep -v '^layer '
}

# Of the listing, the layers whose digests stand on stdin.
layers() {
    { sed 's/^/wanted /'; listing; } | awk '$1 == "wanted" { wanted[$2] = 1 } $1 == "layer" && $3 in wanted'
}

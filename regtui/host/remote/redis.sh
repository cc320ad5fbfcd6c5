# Asks redis what stands on stdin; where the answer holds no number it says what is wrong, and fails. $1: a command line that
# leads there, as the registry gets there; empty for the means of this host. $2, $3: host and port.
#
# What stands on stdin holds what a registry's config says, each value on a line of its own. Only redis gets that: who
# answers is asked before, with nothing in it that anybody could have chosen.

limited() {
    if command -v timeout >/dev/null 2>&1; then timeout 60 "$@"; else "$@"; fi
}

connect() {
    if test -n "$1"; then
        eval "limited $1"
    elif command -v bash >/dev/null 2>&1; then
        # shellcheck disable=SC2016
        limited bash -c 'exec 3<>"/dev/tcp/$1/$2" && cat >&3 && cat <&3' bash "$2" "$3"
    elif command -v nc >/dev/null 2>&1; then
        limited nc "$2" "$3"
    elif command -v busybox >/dev/null 2>&1; then
        limited busybox nc "$2" "$3"
    else
        echo "-There is neither bash nor nc to reach it by."
    fi
}

# As much as an answer can be: what goes on and on would fill the host's memory.
ask() {
    connect "$@" 2>&1 | head -c 65536 | tr -d '\r'
}

told=$(printf '*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nQUIT\r\n' | ask "$@")
number=
case $told in
    +PONG* | -NOAUTH*)
        told=$(ask "$@")
        number=$(printf '%s\n' "$told" | grep '^:[0-9]' | head -n 1)
        ;;
esac
wrong=$(printf '%s\n' "$told" | grep '^-' | head -n 1)
if test -z "$wrong" && test -n "$number"; then
    exit 0
fi
wrong=${wrong:-$(printf '%s\n' "$told" | tail -n 1)}
echo "redis at $2:$3: ${wrong:-it does not answer}" >&2
exit 1

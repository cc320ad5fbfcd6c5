# Asks redis what stands on stdin; where the answer holds no number it says what is wrong, and fails. $1: a command line that
# leads there, as the registry gets there; empty for the means of this host. $2, $3: host and port. $4: a command line that
# ends what the first one began; $5: seconds that redis has in all, a third of them to answer at all.
#
# What stands on stdin holds what a registry's config says, each value on a line of its own. Only redis gets that: who
# answers is asked before, with nothing in it that anybody could have chosen.

via=$1 host=$2 port=$3 ends=$4 patience=$5

# No longer than $1 seconds. What ignores all that may be ignored isn't waited for, nor is it asked.
limited() {
    limit=$1
    shift
    if command -v timeout >/dev/null 2>&1; then timeout -s KILL "$limit" "$@"; else "$@"; fi
}

# Within $1 seconds; what leads there ends by itself once that is removed which it leads through.
connect() {
    if test -n "$via"; then
        eval "limited $(($1 + 10)) $via"
    elif command -v bash >/dev/null 2>&1; then
        # shellcheck disable=SC2016
        limited "$1" bash -c 'exec 3<>"/dev/tcp/$1/$2" && cat >&3 && cat <&3' bash "$host" "$port"
    elif command -v nc >/dev/null 2>&1; then
        limited "$1" nc "$host" "$port"
    elif command -v busybox >/dev/null 2>&1; then
        limited "$1" busybox nc "$host" "$port"
    else
        echo "-There is neither bash nor nc to reach it by."
    fi
}

# As much as an answer can be: what goes on and on would fill the host's memory.
ask() {
    (
        left=$1
        while test "$left" -gt 0; do left=$((left - 1)); sleep 1; done
        eval "$ends"
    ) >/dev/null 2>&1 &
    ending=$!
    connect "$1" 2>&1 | head -c 65536 | tr -d '\r'
    # TERM may be ignored, as it is where a registry is brought back.
    { kill -KILL "$ending"; wait "$ending"; } 2>/dev/null
}

told=$(printf '*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nQUIT\r\n' | ask $((patience / 3)))
number=
case $told in
    +PONG* | -NOAUTH*)
        told=$(ask $((patience * 2 / 3)))
        number=$(printf '%s\n' "$told" | grep '^:[0-9]' | head -n 1)
        ;;
esac
wrong=$(printf '%s\n' "$told" | grep '^-' | head -n 1)
if test -z "$wrong" && test -n "$number"; then
    exit 0
fi
# What took the login, and says nothing more, hangs; what is ended for that, its shell tells of.
wrong=${wrong:-$(printf '%s\n' "$told" | grep -v -e '^+OK$' -e Killed | tail -n 1)}
echo "redis at $host:$port: ${wrong:-it does not answer}" >&2
exit 1

# The collection itself: goes on whatever becomes of the connection, and brings the registry back whatever happens.
# Called in its own directory, detached; $1 is "guard" for the one that watches over it. Set before, by regtui:
#   keep_out (stop, read-only, online), needs_restart, root, and the functions prepare, tidy, stop_registry,
#   start_registry, registry_runs, read_only, read_write, collector, quit_collector, in_storage_shell.
# What it prints is its log: lines that begin with "::regtui" are its own, the others are the programs'.

# On a line of its own: other programs' last words may end without a line break.
say() {
    printf '\n::regtui %s\n' "$*"
}

failed() {
    say "failed $*"
    exit 1
}

# The storage's blobs and bytes, as "used BEFORE|AFTER BLOBS BYTES"; nothing where nobody can tell.
used() {
    told=$(in_storage_shell < storage.sh 2>/dev/null) && test -n "$told" && say "used $1 $told"
}

# Several times: right after a stop, a runtime may still be cleaning up.
try_to() {
    for pause in 1 2 3 5 8 0; do
        "$@" 2>&1 && return 0
        sleep "$pause"
    done
    return 1
}

# A collector that is still at work must not sweep what somebody pushes: it is ended, or waited for.
end_collector() {
    collecting=$(cat collecting 2>/dev/null) && test -n "$collecting" || return 0
    quit_collector "$collecting" >/dev/null 2>&1
    while kill -0 "$collecting" 2>/dev/null; do
        # Dead, but its parent hasn't heard: as in a container whose first process doesn't listen.
        ! grep -q '^State:.Z' "/proc/$collecting/status" 2>/dev/null || break
        sleep 0.2 2>/dev/null || sleep 1
    done
}

bring_back() {
    trap '' HUP INT TERM PIPE
    trap - EXIT
    say stage bring-back started
    end_collector
    tidy >/dev/null 2>&1
    case $keep_out in
        stop) try_to start_registry >&2 || say "failed The registry could not be started again." ;;
        read-only) try_to read_write >&2 || say "failed The registry could not be made writable again." ;;
    esac
    if test "$needs_restart" = yes; then
        try_to restart_registry >&2 || say "failed The registry could not be restarted."
    fi
    for pause in 0 1 1 2 3 5; do
        sleep "$pause"
        registry_runs >/dev/null 2>&1 && break
    done
    if registry_runs >/dev/null 2>&1; then say up; else say down; fi
    say stage bring-back 'done'
    say end
    : > ended
}

restart_registry() {
    stop_registry
    start_registry
}

# Should the script itself be killed: nobody else would start the registry again.
if test "${1:-}" = guard; then
    trap '' HUP INT TERM PIPE
    for _ in 1 2 3 4 5; do test -s pid && break; sleep 1; done
    while kill -0 "$(cat pid 2>/dev/null)" 2>/dev/null; do sleep 1; done
    test ! -e ended || exit 0
    say "failed The collection was killed on the host."
    bring_back
    exit 0
fi

echo $$ > pid
trap bring_back EXIT
trap 'exit 130' HUP INT TERM
# Whoever reads along may go away; the log is a file.
trap '' PIPE

say stage keep-out started
prepare 2>&1 || failed "The registry's settings could not be read."
case $keep_out in
    stop) stop_registry >&2 || failed "The registry could not be stopped." ;;
    read-only) read_only >&2 || failed "The registry could not be made read-only." ;;
esac
say stage keep-out 'done'
test ! -e stop || { say stopped; exit 130; }

used before
say stage collect started
collector 2>&1 & collecting=$!
echo "$collecting" > collecting
stopped=no
while kill -0 "$collecting" 2>/dev/null; do
    # Until something is eligible nothing was deleted, and it can be ended; from then on it is let finish.
    if test -e stop && test "$stopped" = no && ! grep -q 'eligible for deletion' log; then
        quit_collector "$collecting" >/dev/null 2>&1 && say stopped && stopped=yes
    fi
    sleep 0.2 2>/dev/null || sleep 1
done
wait "$collecting"
code=$?
rm -f collecting
# 2.x doesn't end the line of its failure.
echo
say "exit $code"
used after
say stage collect 'done'
exit 0

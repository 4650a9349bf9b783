# The supervisor of one attempt: claims it, runs setup and run, keeps the exit code.
# Arguments: the job's directory, the staging directory that holds this file, the umask of the job.
job=$1
new=$2
mask=$3
umask 077

# The claim: link(2) makes the record appear whole and only once, however many launches race.
host=$(uname -n)
printf '%s %s %s %s %s\n' "$$" "$(born $$)" "$(boot)" "$host" "$(now)" >"$new/pid"
if ! ln "$new/pid" "$job/pid" 2>"$new/why"; then
    [ -f "$job/pid" ] || cp "$new/why" "$job/refused"
    rm -rf "$new"
    exit 0
fi
stopped=0
trap 'stopped=1' TERM
rm -f "$new/why"
mv "$new" "$job/spec"
spec=$job/spec
# What launches that were cut left behind may hold secrets. One that still goes on finds the claim and cleans up itself.
for cw_left in "$job"/new.*; do
    cw_caller=${cw_left##*/new.}
    living "${cw_caller%%.*}" "${cw_caller#*.}" || rm -rf "$cw_left"
done
: >>"$job/log"
exec >>"$job/log" 2>&1

. "$spec/config.sh"
secrets=
if [ -f "$spec/secrets.sh" ]; then
    secrets=$(cat "$spec/secrets.sh")
    rm -f "$spec/secrets.sh"
fi
user=$(id -un 2>/dev/null || id -u)
shell=$(command -v bash || command -v sh)
# A shell that is its own tools names itself without a path and would not be executed anew, so it would not bear the mark.
case "$shell" in /*) ;; *) shell=/bin/sh ;; esac

# Writes a small file so that a reader, or a machine that loses power, sees all of it or nothing.
record() { # FILE TEXT
    printf '%s\n' "$2" >"$1.tmp"
    sync "$1.tmp" 2>/dev/null || sync
    mv "$1.tmp" "$1"
}

# Ends what the job left running, then records how it ended.
finish() { # CODE PHASE
    # A stop from now on is too late, and must not hit the tools that write the record.
    trap '' TERM
    sweep TERM
    cw_end=$(($(now) + grace))
    while [ -n "$(marked)" ] && [ "$(now)" -lt "$cw_end" ]; do nap 0.1; done
    # One in an endless system call (a dead network disk) can't be ended; the exit code is recorded all the same.
    cw_tries=0
    while [ -n "$(marked)" ] && [ "$cw_tries" -lt 100 ]; do
        sweep KILL
        cw_tries=$((cw_tries + 1))
        nap 0.1
    done
    rm -f "$job"/rank-*
    record "$job/exit" "$1 $2 $stopped $(now)"
    sync "$job" 2>/dev/null
    exit 0
}

# Starts setup or run in the background; $child is its pid. The user's own names may be anything, so after they are
# exported only positional parameters are looked at.
start() { # PHASE RANK
    cw_first=$(($2 * gpus))
    cw_devices=
    cw_gpu=0
    while [ "$cw_gpu" -lt "$gpus" ]; do
        cw_devices=$cw_devices${cw_devices:+,}$((cw_first + cw_gpu))
        cw_gpu=$((cw_gpu + 1))
    done
    (
        trap - TERM
        umask "$mask"
        mkdir -p "$workdir"
        set -- "$2" "$user" "$cw_devices" "$shell" "$spec/$1.sh" "$workdir" "$spec/env-$1.sh" "$job"
        eval "$secrets"
        . "$7"
        cd "$6" || exit 1
        CAUSEWAY_JOB="$8/"
        export CAUSEWAY_JOB
        exec "$4" "$5"
    ) </dev/null &
    child=$!
    # A stop that came just before the fork did not reach the child.
    if [ "$stopped" = 1 ]; then kill -s TERM "$child" 2>/dev/null; fi
}

# Waits for a child of this shell, also when a signal cuts `wait` short; $code is its exit code.
await() { # PID
    wait "$1"
    code=$?
    while [ -n "$(born "$1")" ]; do
        wait "$1"
        code=$?
    done
    # The last `wait` may have been cut short just as the child died: the shell then still knows the true code.
    wait "$1" 2>/dev/null
    cw_again=$?
    [ "$cw_again" = 127 ] || code=$cw_again
}

# One line of output says which rank wrote it. TERM is ignored: it outlives the ranks and ends when they close it.
prefix() { # RANK
    trap '' TERM
    if printf 'x\n' | sed -u 's/x/y/' >/dev/null 2>&1; then exec sed -u "s/^/(rank $1) /"; else exec cat; fi
}

# Several nodes as processes of this machine. If one fails the others are ended; $code is the first that is not 0.
gang() {
    printf 'causeway: the %s nodes are processes of one machine (%s) that stand in for machines of their own\n' "$nodes" "$host"
    monitors=
    prefixes=
    rank=0
    while [ "$rank" -lt "$nodes" ]; do
        mkfifo "$job/rank-$rank.out"
        (prefix "$rank") <"$job/rank-$rank.out" &
        prefixes="$prefixes $!"
        (
            trap 'stopped=1' TERM
            exec >"$job/rank-$rank.out" 2>&1
            start run "$rank"
            await "$child"
            printf '%s\n' "$code" >"$job/rank-$rank.tmp"
            mv "$job/rank-$rank.tmp" "$job/rank-$rank.exit"
        ) &
        monitors="$monitors $!"
        rank=$((rank + 1))
    done
    first=0
    deadline=
    while :; do
        left=0
        rank=0
        for monitor in $monitors; do
            alive=$(born "$monitor")
            if [ -f "$job/rank-$rank.exit" ]; then
                read -r code <"$job/rank-$rank.exit"
            elif [ -z "$alive" ]; then
                code=137
            else
                code=0
                left=$((left + 1))
            fi
            if [ "$code" != 0 ] && [ "$first" = 0 ]; then
                first=$code
                deadline=$(($(now) + grace))
                [ "$stopped" = 1 ] || printf 'causeway: rank %s ended with exit code %s, so the others are ended\n' "$rank" "$code"
                sweep TERM
            fi
            rank=$((rank + 1))
        done
        [ "$left" = 0 ] && break
        if [ -n "$deadline" ] && [ "$(now)" -ge "$deadline" ]; then sweep KILL; fi
        nap 0.1
    done
    # The last lines are on their way. A process that a rank left behind may hold them open: then they are not waited for.
    cw_end=$(($(now) + 2))
    for monitor in $prefixes; do
        while [ -n "$(born "$monitor")" ] && [ "$(now)" -lt "$cw_end" ]; do nap 0.1; done
    done
    code=$first
}

if [ "$stopped" = 1 ]; then finish 143 run; fi
if [ -f "$spec/setup.sh" ]; then
    # The nodes are one machine, and setup prepares machines: it runs once.
    start setup 0
    await "$child"
    if [ "$code" != 0 ] || [ "$stopped" = 1 ]; then finish "$code" setup; fi
fi
if [ "$stopped" = 1 ]; then finish 143 run; fi
if [ "$nodes" -gt 1 ]; then
    gang
else
    start run 0
    await "$child"
fi
finish "$code" run

# The control script: read by sh from its standard input for each call, never stored at the site.
# Answers are `key=value` lines that end with `end=1`. Exit 3 means refused: the last line of stderr says why.

say() {
    printf '%s=%s\n' "$1" "$2"
}

refuse() { # WORD TEXT
    printf 'causeway: %s: %s\n' "$1" "$2" >&2
    exit 3
}

# A path as the user wrote it, made absolute: `~/x` and plain `x` are in the home directory.
place() {
    case "$1" in
    /*) printf '%s\n' "$1" ;;
    '~') printf '%s\n' "$HOME" ;;
    '~/'*) printf '%s\n' "$HOME/${1#??}" ;;
    *) printf '%s\n' "$HOME/$1" ;;
    esac
}

# Ends this call when the caller is gone (end of standard input), so that no loop is left at the site.
watch_caller() {
    exec 3<&0
    cw_born=$(born $$)
    (
        cat <&3
        living $$ "$cw_born" && kill -s TERM $$
    ) >/dev/null 2>&1 &
    trap "kill $! 2>/dev/null" EXIT
}

# detach OUTPUT COMMAND...: in a session of its own, so that neither a hang-up nor the end of the caller reaches it.
detach() {
    cw_out=$1
    shift
    if command -v setsid >/dev/null 2>&1; then
        setsid "$@" </dev/null >>"$cw_out" 2>&1 &
    else
        set -m
        nohup "$@" </dev/null >>"$cw_out" 2>&1 &
        set +m
    fi
}

# take FILE BYTES: the next bytes of standard input. One byte at a time: never reads too far, on any dd.
take() {
    : >"$1"
    [ "$2" = 0 ] || dd bs=1 count="$2" of="$1" 2>/dev/null
    [ "$(($(wc -c <"$1")))" = "$2" ] || refuse cut "\`$1\` arrived cut short or its disk is full"
}

make() { # DIRECTORY
    (umask 077 && mkdir -p "$1") 2>/dev/null || refuse directory "can't make the directory \`$1\`"
    [ -w "$1" ] && [ -x "$1" ] || refuse directory "can't write into the directory \`$1\`"
}

# Reads the claim of $job into pid, birth, booted, host, since; alive and machine say what became of the supervisor.
claim() {
    alive=0
    machine=same
    [ -f "$job/pid" ] || return 1
    read -r pid birth booted host since <"$job/pid"
    if [ "$pid" = 0 ]; then
        return 0
    elif [ "$booted" = "$(boot)" ]; then
        living "$pid" "$birth" && alive=1
    elif [ "$host" = "$(uname -n)" ]; then
        machine=rebooted
    else
        machine=other
    fi
    return 0
}

report() {
    if claim; then
        say pid "$pid"
        say since "$since"
        say host "$host"
        say alive "$alive"
        say machine "$machine"
        # Read after `alive`: a supervisor that is dead by now wrote its last word before.
        if [ -f "$job/exit" ]; then
            read -r code phase stopped until <"$job/exit"
            say code "$code"
            say phase "$phase"
            say stopped "$stopped"
            say until "$until"
        elif [ "$alive" = 0 ]; then
            say left "$(($(marked | wc -l)))"
        fi
        [ ! -e "$job/stop" ] || say stop 1
        [ ! -f "$job/log" ] || say log "$(($(wc -c <"$job/log")))"
    fi
    say directory "$directory"
    say end 1
}

# whether the job has come to an end (or never began)
over() {
    claim || return 0
    [ "$alive" = 0 ] || [ -f "$job/exit" ]
}

job_of() { # DIRECTORY ATTEMPT
    directory=$(place "$1")
    attempt=$2
    job=$directory/.causeway/job-$attempt
}

prepare() { # DIRECTORY
    directory=$(place "$1")
    make "$directory"
    say directory "$directory"
    say end 1
}

launch() { # DIRECTORY ATTEMPT [NAME BYTES]...
    job_of "$1" "$2"
    shift 2
    make "$directory"
    make "$job"
    if [ ! -f "$job/pid" ]; then
        # Two attempts of a run never run at once, whatever the caller remembers.
        this=$job
        for job in "$directory"/.causeway/job-*; do
            [ "$job" != "$this" ] && claim || continue
            [ "$machine" != other ] || [ -f "$job/exit" ] || refuse elsewhere "\`$job\` was started on \`$host\`, and this machine is \`$(uname -n)\`"
            over || refuse running "\`$job\` still runs (process $pid)"
            sweep KILL
        done
        job=$this
        # Named after this call, so that the winner of a race can tell what is still being written.
        new=$job/new.$$.$(born $$)
        trap 'rm -rf "$new"' EXIT
        trap 'exit 1' HUP INT TERM
        rm -f "$job/refused"
        mask=$(umask)
        umask 077
        mkdir "$new" || refuse directory "can't make \`$new\`"
        while [ $# -ge 2 ]; do
            take "$new/$1" "$2"
            shift 2
        done
        detach "$job/supervisor.log" sh "$new/job.sh" "$job" "$new" "$mask"
        trap - EXIT HUP INT TERM
        tries=0
        until [ -f "$job/pid" ]; do
            [ ! -s "$job/refused" ] || refuse claim "$(tail -n 1 "$job/refused")"
            tries=$((tries + 1))
            [ "$tries" -lt 300 ] || refuse start "the job's supervisor did not start: $(tail -n 1 "$job/supervisor.log")"
            nap 0.05
        done
    fi
    report
}

state() { # DIRECTORY ATTEMPT
    job_of "$1" "$2"
    report
}

await_end() { # DIRECTORY ATTEMPT
    job_of "$1" "$2"
    watch_caller
    say waiting 1
    pause=0.1
    until over; do
        nap "$pause"
        pause=0.5
    done
    report
}

logs() { # DIRECTORY ATTEMPT FROM FOLLOW
    job_of "$1" "$2"
    at=$3
    if [ "$4" = 1 ]; then watch_caller; fi
    # The caller counts the bytes behind this line; without it the answer is no answer.
    printf 'log\n'
    idle=0
    while :; do
        # Asked before the size: what was written before the end is then within the size.
        last=0
        if [ "$4" = 0 ] || over; then last=1; fi
        size=0
        [ ! -f "$job/log" ] || size=$(($(wc -c <"$job/log")))
        if [ "$size" -gt "$at" ]; then
            tail -c "+$((at + 1))" "$job/log" | head -c "$((size - at))" || exit 1
            at=$size
            idle=0
        fi
        [ "$last" = 0 ] || break
        idle=$((idle + 1))
        if [ "$idle" -lt 20 ]; then nap 0.1; else nap 0.5; fi
    done
    exit 0
}

stop() { # DIRECTORY ATTEMPT GRACE
    job_of "$1" "$2"
    make "$job"
    umask 077
    if [ ! -f "$job/pid" ]; then
        # A stop that comes first wins: the attempt can never start after it.
        printf '0 - - %s %s\n' "$(uname -n)" "$(now)" >"$job/pid.$$"
        ln "$job/pid.$$" "$job/pid" 2>/dev/null
        rm -f "$job/pid.$$"
    fi
    claim || refuse claim "can't record the stop in \`$job\`"
    if [ "$pid" = 0 ] || [ -f "$job/exit" ]; then
        report
        return
    fi
    [ "$machine" != other ] || refuse elsewhere "\`$job\` was started on \`$host\`, and this machine is \`$(uname -n)\`"
    : >"$job/stop"
    [ "$alive" = 0 ] || kill -s TERM -- "-$pid" 2>/dev/null
    sweep TERM
    deadline=$(($(now) + $3))
    while { living "$pid" "$birth" || [ -n "$(marked)" ]; } && [ "$(now)" -lt "$deadline" ]; do nap 0.1; done
    # The supervisor is not marked: it lives on to write down how its children ended.
    tries=0
    while [ -n "$(marked)" ] && [ "$tries" -lt 100 ]; do
        sweep KILL
        tries=$((tries + 1))
        nap 0.05
    done
    tries=0
    while living "$pid" "$birth" && [ "$tries" -lt 50 ]; do
        tries=$((tries + 1))
        nap 0.1
    done
    ! living "$pid" "$birth" || kill -s KILL -- "-$pid" 2>/dev/null
    while living "$pid" "$birth" && [ "$tries" -lt 100 ]; do
        tries=$((tries + 1))
        nap 0.1
    done
    report
}

remove() { # ROOT DIRECTORY
    target=$(place "$2")
    if [ -d "$target" ]; then
        # Where the two really are, symbolic links followed.
        root=$(cd "$(place "$1")" 2>/dev/null && pwd -P) || refuse outside "the site's directory \`$1\` is not there"
        target=$(cd "$target" && pwd -P) || refuse directory "can't enter \`$target\`"
        case "$target" in
        "${root%/}"/?*) ;;
        *) refuse outside "\`$target\` is not below the site's directory \`$root\`" ;;
        esac
        for job in "$target"/.causeway/job-*; do
            claim || continue
            [ "$machine" != other ] || [ -f "$job/exit" ] || refuse elsewhere "\`$job\` was started on \`$host\`, and this machine is \`$(uname -n)\`"
            over || refuse running "\`$job\` still runs (process $pid)"
        done
        rm -rf -- "$target" || refuse directory "can't remove all of \`$target\`"
    elif [ -e "$target" ]; then
        refuse directory "\`$target\` is not a directory"
    fi
    say end 1
}

probe() { # ROOT
    directory=$(place "$1")
    say directory "$directory"
    say home "$HOME"
    say user "$(id -un 2>/dev/null || id -u)"
    say host "$(uname -n)"
    say os "$(uname -s)"
    say machine "$(uname -m)"
    say kernel "$(uname -r)"
    say bash "$(command -v bash)"
    say cpus "$(getconf _NPROCESSORS_ONLN 2>/dev/null || nproc 2>/dev/null)"
    if [ -r /proc/meminfo ]; then
        while read -r key value unit; do
            [ "$key" != MemTotal: ] || say memory_kib "$value"
        done </proc/meminfo
    fi
    # The directory may not be there yet: its nearest parent is on the same disk.
    there=$directory
    until [ -d "$there" ]; do there=${there%/*} && there=${there:-/}; done
    say disk_free_kib "$(df -Pk "$there" 2>/dev/null | awk 'END { print $4 }')"
    for key in sys_vendor product_name bios_vendor board_asset_tag chassis_asset_tag; do
        [ ! -r "/sys/class/dmi/id/$key" ] || say "dmi_$key" "$(cat "/sys/class/dmi/id/$key" 2>/dev/null)"
    done
    if command -v nvidia-smi >/dev/null 2>&1; then
        nvidia-smi --query-gpu=name,memory.total --format=csv,noheader,nounits 2>/dev/null |
            while read -r line; do say gpu "$line"; done
    fi
    if grep -qs '^[[:space:]]*KillUserProcesses=\(yes\|true\|1\)' /etc/systemd/logind.conf /etc/systemd/logind.conf.d/*.conf; then
        say kills_processes 1
    fi
    say end 1
}

# fetch METHOD URL [HEADER]: the body, within two seconds, past any proxy. Fails on any answer but 2xx.
fetch() {
    if command -v curl >/dev/null 2>&1; then
        curl -fsS --noproxy '*' --max-time 2 -X "$1" ${3:+-H "$3"} "$2" 2>/dev/null
    elif command -v wget >/dev/null 2>&1; then
        wget -q --no-proxy -T 2 -t 1 --method="$1" ${3:+--header="$3"} -O - "$2" 2>/dev/null
    else
        return 1
    fi
}

# A short line of it: a portal that answers everything with a page must not disturb the answer.
fetch_line() {
    fetch "$@" | tr -d '\r\n' | head -c 200
}

metadata() { # CLOUD BASE
    command -v curl >/dev/null 2>&1 || command -v wget >/dev/null 2>&1 || refuse tool "neither curl nor wget is installed"
    case "$1" in
    aws) # IMDSv2: a token first. Private clouds that speak the same words may do without.
        header=
        token=$(fetch PUT "$2/latest/api/token" 'X-aws-ec2-metadata-token-ttl-seconds: 60') && header="X-aws-ec2-metadata-token: $token"
        say region "$(fetch_line GET "$2/latest/meta-data/placement/region" "$header")"
        say zone "$(fetch_line GET "$2/latest/meta-data/placement/availability-zone" "$header")"
        ;;
    gcp)
        say zone "$(fetch_line GET "$2/computeMetadata/v1/instance/zone" 'Metadata-Flavor: Google')"
        ;;
    azure)
        say region "$(fetch_line GET "$2/metadata/instance/compute/location?api-version=2021-02-01&format=text" 'Metadata: true')"
        say zone "$(fetch_line GET "$2/metadata/instance/compute/zone?api-version=2021-02-01&format=text" 'Metadata: true')"
        ;;
    esac
    say end 1
}

# Whether a file is there with that size (`present=1`), and what programs this machine runs.
present() { # FILE BYTES
    file=$(place "$1")
    say os "$(uname -s)"
    say machine "$(uname -m)"
    say file "$file"
    [ ! -f "$file" ] || [ "$(($(wc -c <"$file")))" != "$2" ] || say present 1
    say end 1
}

# put FILE BYTES: the rest of standard input, executable, by temporary file and rename.
put() {
    file=$(place "$1")
    make "${file%/*}"
    umask 077
    temporary=$file.new.$$
    trap 'rm -f "$temporary"' EXIT
    cat >"$temporary"
    [ "$(($(wc -c <"$temporary")))" = "$2" ] || refuse cut "\`$temporary\` arrived cut short or its disk is full"
    chmod 700 "$temporary"
    mv "$temporary" "$file"
    say file "$file"
    say end 1
}

agent_of() { # ROOT NAME
    root=$1
    name=$2
    agent=$(place "$1")/.causeway/agent-$2
    born_agent=
    pid=0
    [ ! -f "$agent/pid" ] || read -r pid born_agent booted <"$agent/pid"
}

agent_alive() {
    [ "$pid" != 0 ] && [ "$booted" = "$(boot)" ] && living "$pid" "$born_agent"
}

end_agent() {
    agent_alive || return 0
    kill -s TERM "$pid" 2>/dev/null
    tries=0
    while living "$pid" "$born_agent" && [ "$tries" -lt 50 ]; do
        tries=$((tries + 1))
        nap 0.1
    done
    ! living "$pid" "$born_agent" || kill -s KILL "$pid" 2>/dev/null
}

agent_start() { # ROOT NAME BYTES BINARY ARGUMENT...
    agent_of "$1" "$2"
    bytes=$3
    binary=$(place "$4")
    shift 4
    make "$agent"
    umask 077
    wanted=$(printf '%s\n' "$binary" "$@")
    # One agent a name: a living one that was started the same way is the answer, any other one is ended.
    if ! { agent_alive && [ "$(cat "$agent/arguments" 2>/dev/null)" = "$wanted" ] && [ -s "$agent/ticket" ]; }; then
        end_agent
        [ -x "$binary" ] || refuse binary "\`$binary\` is not there or can't be executed"
        rm -f "$agent/ticket" "$agent/pid"
        : >"$agent/log"
        printf '%s\n' "$wanted" >"$agent/arguments"
        take "$agent/agent.sh" "$bytes"
        detach "$agent/log" sh "$agent/agent.sh" "$agent" "$binary" "$@" --ticket-file "$agent/ticket"
        tries=0
        until [ -f "$agent/pid" ]; do
            tries=$((tries + 1))
            [ "$tries" -lt 300 ] || refuse agent "the agent did not start: $(tail -n 1 "$agent/log")"
            nap 0.05
        done
        agent_of "$root" "$name"
        tries=0
        until [ -s "$agent/ticket" ]; do
            tries=$((tries + 1))
            if ! living "$pid" "$born_agent"; then
                [ -s "$agent/ticket" ] || refuse agent "the agent ended at once: $(tail -n 1 "$agent/log")"
            fi
            [ "$tries" -lt 200 ] || refuse agent "the agent wrote no ticket: $(tail -n 1 "$agent/log")"
            nap 0.1
        done
    fi
    say pid "$pid"
    say end 1
    cat "$agent/ticket"
}

agent_stop() { # ROOT NAME
    agent_of "$1" "$2"
    end_agent
    rm -f "$agent/ticket" "$agent/pid"
    say end 1
}

# Becomes the agent: what follows on standard input is for it.
agent_stdio() { # ROOT BINARY ARGUMENT...
    make "$(place "$1")/.causeway"
    log=$(place "$1")/.causeway/agent-stdio.log
    binary=$(place "$2")
    shift 2
    [ -x "$binary" ] || refuse binary "\`$binary\` is not there or can't be executed"
    printf 'stdio\n'
    exec "$binary" "$@" 2>>"$log"
}

# POSIX sh, shared by the control script and by a job's supervisor. Expects $job: the job's directory.

# When the process was started, so that a recycled pid is never taken for the old process; nothing for a dead one or a zombie.
# Linux: field 22 of /proc/PID/stat, clock ticks since boot (proc_pid_stat(5)). Elsewhere: what ps says.
born() {
    if [ -r /proc/self/stat ]; then
        { read -r cw_stat <"/proc/$1/stat"; } 2>/dev/null || return 0
        # Field 2, the command's name, may hold blanks and parentheses: cut behind its last one. Field 3 is then $1.
        set -- ${cw_stat##*) }
        case "${1:-Z}" in Z | X | x) return 0 ;; esac
        printf '%s\n' "${20:-}"
    else
        case "$(ps -o state= -p "$1" 2>/dev/null)" in '' | Z*) return 0 ;; esac
        ps -o lstart= -p "$1" 2>/dev/null | tr -s ' ' '_'
    fi
}

# Which boot of this machine: start times count from it.
boot() {
    if [ -r /proc/sys/kernel/random/boot_id ]; then
        read -r cw_boot </proc/sys/kernel/random/boot_id
        printf '%s\n' "$cw_boot"
    else
        { sysctl -n kern.boottime 2>/dev/null || echo unknown; } | tr -s ' ' '_'
    fi
}

# living PID BORN: whether that very process lives.
living() {
    [ -n "$2" ] && [ "$(born "$1")" = "$2" ]
}

# The processes of the job: the mark is inherited, so one that left the process group (torchrun's workers do) is found too.
# The trailing slash keeps job-1 from matching job-10. Without /proc the process group has to do.
marked() {
    [ -d /proc/self ] || return 0
    if printf 'x\0y\n' | grep -qF y; then
        grep -lsF "CAUSEWAY_JOB=$job/" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3
        return 0
    fi
    # The grep of busybox sees no further than the first NUL.
    for cw_file in /proc/[0-9]*/environ; do
        { tr '\0' '\n' <"$cw_file" | grep -qF "CAUSEWAY_JOB=$job/"; } 2>/dev/null || continue
        cw_file=${cw_file#/proc/}
        printf '%s\n' "${cw_file%/environ}"
    done
}

# sweep SIGNAL
sweep() {
    for cw_pid in $(marked); do kill -s "$1" "$cw_pid" 2>/dev/null; done
    return 0
}

# Fractions of a second are usual, not POSIX.
nap() {
    sleep "$1" 2>/dev/null || sleep 1
}

now() {
    date +%s
}

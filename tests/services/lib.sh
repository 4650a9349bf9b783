# Common parts of the service scripts. Sourced, not run.
# shellcheck shell=bash disable=SC2034
set -euo pipefail
SVC_ROOT="${CAUSEWAY_SERVICES_DIR:-/var/lib/causeway-services}"
SVC_USER="${CAUSEWAY_SVC_USER:-causeway-ci}"      # unprivileged account that owns remote jobs
say() { echo "$@" >&2; }
need_root() { [ "$(id -u)" = 0 ] || { say "run as root"; exit 1; }; }
apt_need() { # package names; installs only what is missing
  local miss=() p
  for p in "$@"; do dpkg -s "$p" 2>/dev/null | grep -q '^Status: install ok installed' || miss+=("$p"); done
  [ ${#miss[@]} = 0 ] && return 0
  say "installing: ${miss[*]}"
  [ -e /usr/sbin/policy-rc.d ] || { printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d; RM_POLICY=1; }
  apt-get -o DPkg::Lock::Timeout=600 -q update >/dev/null
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -q install -y --no-install-recommends "${miss[@]}" >/dev/null
  if [ "${RM_POLICY:-0}" = 1 ]; then rm -f /usr/sbin/policy-rc.d; fi
}
need_user() {
  id "$SVC_USER" >/dev/null 2>&1 || useradd --create-home --shell /bin/bash "$SVC_USER"
  usermod -p '*' "$SVC_USER"   # no password, but not locked: sshd refuses locked accounts when UsePAM is no
}
alive() { [ -s "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null; }   # pid file
stop_pid() { # pid file; waits up to 10 s, then KILL
  local f="$1" p i
  [ -s "$f" ] || return 0
  p=$(cat "$f"); kill "$p" 2>/dev/null || true
  for i in $(seq 50); do kill -0 "$p" 2>/dev/null || break; sleep 0.2; done
  kill -9 "$p" 2>/dev/null || true; rm -f "$f"
}
wait_for() { # seconds command...
  local n="$1"; shift
  local end=$(( $(date +%s) + n ))
  until "$@" >/dev/null 2>&1; do
    [ "$(date +%s)" -lt "$end" ] || { say "timed out after ${n}s: $*"; return 1; }
    sleep 0.2
  done
}
port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
daemon() { # pidfile logfile command...   (background, detached from this shell)
  local pf="$1" lf="$2"; shift 2
  setsid nohup "$@" >>"$lf" 2>&1 </dev/null &
  echo $! >"$pf"
}

# shellcheck shell=bash disable=SC2034
# Common to wan-up, wan-down, wan-exec and wan-ctl. Sourced, not run.
# WAN_NAME lets several links exist at once.
WAN_NAME=${WAN_NAME:-wan}
case $WAN_NAME in *[!a-z0-9-]*|'') echo "WAN_NAME: a-z, 0-9 and - only" >&2; exit 2;; esac
NEAR=$WAN_NAME-near FAR=$WAN_NAME-far
RUN=/run/wan-emu SOCK=/run/wan-emu/$WAN_NAME.sock
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ -z "${WAN_EMU:-}" ]; then
  for c in "${CARGO_TARGET_DIR:-$here/target}/release/wan-emu" "$(command -v wan-emu || true)"; do
    [ -x "$c" ] && { WAN_EMU=$c; break; }
  done
fi
need_emu() { [ -x "${WAN_EMU:-}" ] || { echo "wan-emu is not built: cargo build --release --manifest-path $here/Cargo.toml (or set WAN_EMU)" >&2; exit 2; }; }
need_root() { [ "$(id -u)" = 0 ] || { echo "root is needed: namespaces and TUN devices" >&2; exit 2; }; }

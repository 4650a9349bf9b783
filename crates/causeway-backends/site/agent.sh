# Becomes the agent, having left word of itself: even when its starter dies now, the next one finds it and ends it.
# Arguments: the agent's directory, the program, its arguments. Behind common.sh.
agent=$1
shift
printf '%s %s %s\n' "$$" "$(born $$)" "$(boot)" >"$agent/pid.tmp"
mv "$agent/pid.tmp" "$agent/pid"
exec "$@"

"""What a Redis server does in one step for a store, in its Lua (https://redis.io/docs/latest/develop/programmability/).

An entry is a hash under the space's prefix and its name, with the fields `value`, `version` and `expires_at` (seconds
since the epoch). A sorted set for each space, its index, holds the names by version; names of entries that the server
has let go stay in it until they are met.
"""

from __future__ import annotations

GET = """
local found = redis.call('HMGET', KEYS[1], 'value', 'version', 'expires_at')
if found[1] and tonumber(found[3]) > tonumber(ARGV[1]) then return {found[1], found[2]} end
return false
"""

PUT = """
local entry, index, counter = KEYS[1], KEYS[2], KEYS[3]
local name, value, expires_at, expires_ms, if_version, now, channel, me = unpack(ARGV)
if if_version ~= '' then
    local found = redis.call('HMGET', entry, 'version', 'expires_at')
    local is_live = found[1] and tonumber(found[2]) > tonumber(now)
    if (is_live and found[1] or '0') ~= if_version then return false end
end
local version = redis.call('INCR', counter)
if version == 1 then
    local time = redis.call('TIME') -- in milliseconds greater than any version before the server forgot the counter
    version = time[1] * 1000 + math.floor(time[2] / 1000)
    redis.call('SET', counter, string.format('%.0f', version))
end
version = string.format('%.0f', version)
redis.call('HSET', entry, 'value', value, 'version', version, 'expires_at', expires_at)
redis.call('PEXPIREAT', entry, expires_ms)
redis.call('ZADD', index, version, name)
redis.call('PUBLISH', channel, me)
return version
"""

ENTRIES = """
local index = KEYS[1]
local prefix, newest, now = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local found = {}
for _, name in ipairs(redis.call('ZREVRANGE', index, 0, -1)) do
    if #found == newest then break end
    local entry = redis.call('HMGET', prefix .. name, 'value', 'version', 'expires_at')
    if not entry[1] then
        redis.call('ZREM', index, name)
    elseif tonumber(entry[3]) > now then
        found[#found + 1] = {name, entry[1], entry[2]}
    end
end
return found
"""

REMOVE = """
local index = KEYS[1]
local prefix, now, channel, me, name = unpack(ARGV)
local names = name and {name} or redis.call('ZRANGE', index, 0, -1)
local count = 0
for _, each in ipairs(names) do
    local expires_at = redis.call('HGET', prefix .. each, 'expires_at')
    if expires_at and tonumber(expires_at) > tonumber(now) then count = count + 1 end
    redis.call('UNLINK', prefix .. each)
    redis.call('ZREM', index, each)
end
if count > 0 then redis.call('PUBLISH', channel, me) end
return count
"""

KEEP_WITHIN = """
local index = KEYS[1]
local prefix, now, max_bytes, max_entries = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local bytes, entries = 0, 0
for _, name in ipairs(redis.call('ZREVRANGE', index, 0, -1)) do
    local expires_at = redis.call('HGET', prefix .. name, 'expires_at')
    local is_live = expires_at and tonumber(expires_at) > now
    if is_live then
        bytes, entries = bytes + redis.call('HSTRLEN', prefix .. name, 'value'), entries + 1
    end
    if not is_live or bytes > max_bytes or entries > max_entries then
        redis.call('UNLINK', prefix .. name)
        redis.call('ZREM', index, name)
    end
end
"""

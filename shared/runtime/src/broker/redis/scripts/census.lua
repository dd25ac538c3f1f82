-- census: counts the results that there are, a part of them at each call, and drops them where that is asked.
--
-- ARGV[2..]  cursor, '0' at first; keys looked at in one call; '1' to drop what is found, else '0'
-- Returns    the next cursor, '0' at the end, then how many results were found, and their bytes
-- Invariant  nothing but results is touched, so runs go on; a job whose result is gone before its readers were is theirs
--            to miss.

local cursor, keys, is_drop = ARGV[2], ARGV[3], ARGV[4] == '1'
local found = redis.call('SCAN', cursor, 'MATCH', root .. ':result:*', 'COUNT', keys, 'TYPE', 'string')
local bytes = 0
for _, name in ipairs(found[2]) do
  bytes = bytes + redis.call('STRLEN', name)
  if is_drop then redis.call('UNLINK', name) end
end
return { found[1], #found[2], bytes }

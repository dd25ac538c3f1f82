-- stored: which results there are.
--
-- ARGV[2..]  identities
-- Returns    for each: the length of its result in bytes, -1 where there is none
-- Invariant  nothing changes, and no result is moved.

local lengths = {}
for i = 2, #ARGV do
  local name = root .. ':result:' .. ARGV[i]
  lengths[i - 1] = redis.call('EXISTS', name) == 0 and -1 or redis.call('STRLEN', name)
end
return lengths

-- stored: which results there are.
--
-- ARGV[2..]  identities
-- Returns    for each: the length of its result in bytes, -1 where there is none
-- Invariant  nothing changes, and no result is moved.

local lengths = {}
for i = 2, #ARGV do
  local name = root .. ':result:' .. ARGV[i]
  local length = redis.call('STRLEN', name)
  if length == 0 and redis.call('EXISTS', name) == 0 then length = -1 end
  lengths[i - 1] = length
end
return lengths

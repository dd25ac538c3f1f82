-- keep: stores results that belong to no job.
--
-- ARGV[2..]  life of a result in ms, then for each: identity, result
-- Returns    how many were new
-- Invariant  a result that is there stays as it is; all of them live on for as long as a new one.

local life, new = ARGV[2], 0
for i = 3, #ARGV, 2 do
  local name = root .. ':result:' .. ARGV[i]
  if redis.call('SET', name, ARGV[i + 1], 'NX', 'PX', life) then
    new = new + 1
  else
    redis.call('PEXPIRE', name, life)
  end
end
return new

-- beat: renews live claims.
--
-- ARGV[2..]  lease in ms, then for each claim: run, stage, index, token
-- Returns    the numbers, from 1, of the claims that are not live
-- Invariant  only the lease of a live token moves.

expire()
local until_ms = int(now + ARGV[2])
local revoked = {}
for i = 3, #ARGV, 4 do
  local id, stage, index, token = unpack(ARGV, i, i + 3)
  local run = load(id)
  if live(run, stage, index, token) then
    redis.call('ZADD', key(id, 'leases'), until_ms, index)
    note_due(run, now + ARGV[2])
    save(run)
  else
    revoked[#revoked + 1] = (i + 1) / 4
  end
end
wake()
return revoked

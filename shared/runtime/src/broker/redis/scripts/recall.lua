-- recall: undoes a claim whose answer never came, or will not be read.
--
-- ARGV[2..]  ms for which the claim may still arrive, then its tokens
-- Returns    how many jobs were returned
-- Invariant  the jobs that the claim delivered and that are still held under its tokens are available again, nothing
--            charged; a claim that arrives after its recall delivers nothing.

expire()
local call = root .. ':call:' .. ARGV[3]
local delivered = redis.call('GET', call)
redis.call('SET', call, '', 'PX', ARGV[2])
local returned, touched, nth = 0, {}, 0
local run, stage
for word in string.gmatch(delivered or '', '%S+') do
  local id, of_stage = string.match(word, '^(.+):(%d+)$')
  if id then
    run, stage = load(id), of_stage
    touched[#touched + 1] = id
  else
    nth = nth + 1
    local index = string.match(word, '^%d+')
    local attempts, kills = live(run, stage, index, ARGV[2 + nth])
    if attempts then
      release(run, index)
      make_ready(run, index, attempts, kills)
      returned = returned + 1
    end
  end
end
settle_all(touched)
wake()
return returned

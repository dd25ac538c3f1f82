-- workers: a piece of the list of workers.
--
-- ARGV[2..]  where to go on: '0' at first, then what the call before returned; most workers wanted, about
-- Returns    {where to go on, '0' at the end, then for each worker: when its card came, '1' where it is to drain else
--            '0', its card}
-- Invariant  a worker whose card counts throughout is in some piece, it may be in two; nothing but time changes
--            anything.

forget_workers()
local reply = redis.call('HSCAN', root .. ':cards', ARGV[2], 'COUNT', ARGV[3])
local pieces = { reply[1] }
for i = 1, #reply[2], 2 do
  local worker, card = reply[2][i], reply[2][i + 1]
  if is_there(worker) then
    local is_told = redis.call('ZSCORE', root .. ':drains', worker)
    local n = #pieces
    pieces[n + 1], pieces[n + 2] = redis.call('ZSCORE', root .. ':seen', worker), is_told and '1' or '0'
    pieces[n + 3] = card
  end
end
return pieces

-- hand_back: ends live claims without a verdict.
--
-- ARGV[2..]  for each claim: run, stage, index, token
-- Returns    how many were live
-- Invariant  the jobs are available at once, their counters as before; other tokens change nothing.

expire()
local returned, touched = 0, {}
for i = 2, #ARGV, 4 do
  local id, stage, index, token = unpack(ARGV, i, i + 3)
  local run = load(id)
  local attempts, kills = live(run, stage, index, token)
  if attempts then
    release(run, index)
    make_ready(run, index, attempts, kills)
    returned = returned + 1
    touched[#touched + 1] = id
  end
end
settle_all(touched)
wake()
return returned

-- forget: lets an ended run go before its time.
--
-- ARGV[2]    run
-- Returns    1 it is gone, 0 it has not ended, -1 there is no such run
-- Invariant  a run that has not ended is left as it is; of one that has, no key is left but results, which expire.

expire()
local run = load(ARGV[2])
if not run then return -1 end
if run.state == 'running' then return 0 end
remove(run)
return 1

-- cancel: ends a running run.
--
-- ARGV[2]    run
-- Returns    1 it was running, 0 it was over, -1 there is no such run
-- Invariant  the cost does not depend on the size of the run: what is claimed stays where it is, no longer live.

expire()
local run = load(ARGV[2])
if not run then return -1 end
if run.state ~= 'running' then return 0 end
end_run(run, 'cancelled')
settle(run)
wake()
return 1

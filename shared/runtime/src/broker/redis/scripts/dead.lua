-- dead: the dead letters of a run.
--
-- ARGV[2]    run
-- Returns    false where there is no such run, else {open stage, index, letter, index, letter, …} in no order
-- Invariant  nothing but time changes anything.

expire()
wake()
local run = load(ARGV[2])
if not run then return false end
return { int(run.open), unpack(redis.call('HGETALL', key(run.id, 'dead'))) }

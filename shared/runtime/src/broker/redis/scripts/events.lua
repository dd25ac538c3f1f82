-- events: a piece of a run's history.
--
-- ARGV[2..]  run, id of the event before the first one wanted, most events wanted
-- Returns    false where there is no such run, else {'1' where it has ended else '0', ms until time next changes
--            something or -1, then the stream's entries: {id, {'p', event}}}
-- Invariant  nothing but time changes anything.

expire()
wake()
local run = load(ARGV[2])
if not run then return false end
local entries = redis.call('XRANGE', key(run.id, 'events'), '(' .. ARGV[3] .. '-0', '+', 'COUNT', ARGV[4])
return { run.state == 'running' and '0' or '1', ms_until_due(), unpack(entries) }

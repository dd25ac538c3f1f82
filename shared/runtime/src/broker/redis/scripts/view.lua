-- view: what can be seen of runs from outside.
--
-- ARGV[2..]  '1' to have payloads with it else '0', then runs
-- Returns    for each run: false where there is no such run, else {key, digest, state, open stage, jobs of each stage
--            separated by commas, fed, done and failed jobs of the open stage, weight, deadline or '', submitted,
--            ended or '', kind, traceparent or '', payload or ''}
-- Invariant  nothing but time changes anything.

expire()
wake()
local reply = {}
for i = 3, #ARGV do
  local id = ARGV[i]
  local seen = redis.call('HMGET', root .. ':run:' .. id, 'key', 'digest', 'state', 'open', 'totals', 'fed', 'done',
    'failed', 'weight', 'deadline', 'submitted', 'ended', 'kind', 'trace')
  for field = 1, 14 do seen[field] = seen[field] or '' end
  seen[15] = ARGV[2] == '1' and redis.call('GET', key(id, 'payload')) or ''
  reply[#reply + 1] = seen[1] ~= '' and seen
end
return reply

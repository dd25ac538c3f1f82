-- common: what all scripts share; put before each of them when it is loaded.
--
-- KEYS[1]  the shard's root, `PREFIX:{SHARD}`: every key below starts with it, so all are in one slot
-- ARGV[1]  milliseconds to add to the server's time: 0 but in tests
--
-- Keys, by what follows the root:
--   :run:ID          HASH    terms, state and counters of a run (fields: see FIELDS and submit.lua)
--   :run:ID:payload  STRING  what the run was submitted with
--   :run:ID:done     BITMAP  committed jobs of the open stage
--   :run:ID:claims   HASH    index -> `token attempts kills worker`
--   :run:ID:leases   ZSET    index by the end of its claim's lease
--   :run:ID:delayed  ZSET    index by the moment of its retry
--   :run:ID:again    ZSET    index by index: delivered before, available again
--   :run:ID:strikes  HASH    index -> `attempts kills` of a delayed or available job, where either is not 0
--   :run:ID:dead     HASH    index -> `at cause attempts kills worker reason`
--   :run:ID:dropped  SET     indexes whose dead letters were dropped
--   :run:ID:events   STREAM  entry N-0 is event N: `at total done failed kind …`
--   :result:IDENTITY STRING  a result, expires
--   :call:TOKEN      STRING  what a claim delivered, in the words of its answer (see claim.lua); expires with its leases;
--                            empty where it was recalled
--   :runs SET, :keys HASH (idempotency key -> run), :timers ZSET (run by when time next changes it)
-- on shard 0 only, about the workers:
--   :cards HASH (worker -> its card as JSON), :seen ZSET (worker by when its card came),
--   :drains ZSET (worker that was told to drain by when that lapses)
-- and of each kind of jobs:
--   :fair:KIND       ZSET    runs with work by start tag
--   :clock:KIND      STRING  `vtime offset turn`: the start tag of the last delivery, what is added to tags where kinds
--                            are compared, and a number greater than those of the kinds that competed for the last
--                            delivery; expires where no job of the kind is delivered
--   :ready:KIND      STREAM  + group `workers`: each entry asks one waiting worker to claim; expires likewise
--
-- Invariants: those of the pure state machine, whose rules these functions follow one by one. Every run that a script
-- changes is settled before it ends. All numbers are whole and below 2^53, so doubles are exact.

local root = KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[1]

-- Items that time may move in one call: a script that meets more leaves the rest to the next one.
local budget = 2048
local is_behind = false
local runs = {}
local clocks = {}
-- The kinds whose waiting workers may have to look: true where something is due sooner, false where work came.
local news = {}

local NUMBERS = {
  'open', 'stages', 'total', 'fed', 'done', 'failed', 'closed', 'jobs', 'cost', 'start', 'max_kills', 'event',
  'deadline', 'ended', 'timer', 'waiting',
}
local FIELDS = { 'state', 'kind', unpack(NUMBERS) }

local function int(number)
  return string.format('%.0f', number)
end

local function key(id, part)
  return root .. ':run:' .. id .. ':' .. part
end

-- The run of this id, or false. Loaded once a call.
local function load(id)
  if runs[id] ~= nil then return runs[id] end
  local values = redis.call('HMGET', root .. ':run:' .. id, unpack(FIELDS))
  local run = false
  if values[1] then
    run = { id = id, state = values[1], kind = values[2], was = { state = values[1] } }
    for i, name in ipairs(NUMBERS) do
      run[name] = tonumber(values[i + 2] or nil)
      run.was[name] = run[name]
    end
  end
  runs[id] = run
  return run
end

-- As load; numbers that are missing count as 0, so that an audit can name them.
local function load_any(id)
  local run = load(id)
  for _, name in ipairs(run and NUMBERS or {}) do
    local may_miss = name == 'deadline' or name == 'ended' or name == 'timer' or name == 'waiting'
    if not may_miss then run[name] = run[name] or 0 end
  end
  return run
end

-- Writes back the fields that changed.
local function save(run)
  local changed, gone = {}, {}
  if run.state ~= run.was.state then
    run.was.state = run.state
    changed[1], changed[2] = 'state', run.state
  end
  for _, name in ipairs(NUMBERS) do
    local value = run[name]
    if value ~= run.was[name] then
      run.was[name] = value
      if value == nil then
        gone[#gone + 1] = name
      else
        changed[#changed + 1], changed[#changed + 2] = name, int(value)
      end
    end
  end
  if changed[1] then redis.call('HSET', root .. ':run:' .. run.id, unpack(changed)) end
  if gone[1] then redis.call('HDEL', root .. ':run:' .. run.id, unpack(gone)) end
end

-- Total of a stage, from 0.
local function stage_total(run, stage)
  if not run.totals then
    run.totals = {}
    for total in string.gmatch(redis.call('HGET', root .. ':run:' .. run.id, 'totals'), '%d+') do
      run.totals[#run.totals + 1] = tonumber(total)
    end
  end
  return run.totals[stage + 1]
end

-- Appends an event, with the counts as they are.
local function note(run, ...)
  run.event = run.event + 1
  local counts = { int(now), int(run.jobs), int(run.closed + run.done), int(run.failed), ... }
  redis.call('XADD', key(run.id, 'events'), 'MAXLEN', '~', MAX_EVENTS_KEPT, int(run.event) .. '-0', 'p',
    table.concat(counts, ' '))
end

local function open_stage(run, stage)
  run.closed = run.closed + run.done
  run.open, run.total = stage, stage_total(run, stage)
  run.fed, run.done, run.failed = 0, 0, 0
  redis.call('UNLINK', key(run.id, 'done'))
  note(run, 'opened', int(stage), int(run.total))
end

local function has_work(run)
  return run.state == 'running' and (run.fed < run.total or redis.call('EXISTS', key(run.id, 'again')) == 1)
end

-- The score of the first member of a sorted set.
local function first_score(name)
  local first = redis.call('ZRANGE', name, 0, 0, 'WITHSCORES')
  return tonumber(first[2])
end

-- The clock of a kind. One that has expired goes on from the first run that waits.
local function clock_of(kind)
  local clock = clocks[kind]
  if not clock then
    local kept = redis.call('GET', root .. ':clock:' .. kind)
    local vtime, offset, turn = string.match(kept or '', '^(%d+) (%d+) (%d+)$')
    clock = { vtime = tonumber(vtime or nil), offset = tonumber(offset or 0), turn = tonumber(turn or 0) }
    clock.vtime = clock.vtime or first_score(root .. ':fair:' .. kind) or 0
    clocks[kind] = clock
  end
  return clock
end

local function keep_clock(kind, clock)
  redis.call('SET', root .. ':clock:' .. kind, int(clock.vtime) .. ' ' .. int(clock.offset) .. ' ' .. int(clock.turn),
    'PX', RUN_RETENTION_MS)
end

-- Milliseconds until time next changes something, at most an hour; -1 where it never does.
local function ms_until_due()
  local due = first_score(root .. ':timers')
  return due and int(math.min(math.max(0, due - now), 3600000)) or '-1'
end

local function next_due(run)
  if run.ended then return run.ended + RUN_RETENTION_MS end
  local due = run.deadline or math.huge
  due = math.min(due, first_score(key(run.id, 'leases')) or math.huge)
  due = math.min(due, first_score(key(run.id, 'delayed')) or math.huge)
  return due < math.huge and due or nil
end

-- Lets the timers know the run by this moment; nil for not at all.
local function set_timer(run, due)
  if due == run.timer then return end
  if due and (not run.timer or due < run.timer) then news[run.kind] = true end
  if due then redis.call('ZADD', root .. ':timers', due, run.id) else redis.call('ZREM', root .. ':timers', run.id) end
  run.timer = due
end

-- A timer may be early: then it finds nothing due and is set anew. So what only moves ends further away leaves it, and
-- a new end is noted here.
local function note_due(run, due)
  if not run.timer or due < run.timer then set_timer(run, due) end
end

local function end_run(run, state)
  run.state, run.ended = state, now
  note(run, 'ended', state)
  set_timer(run, next_due(run))
end

-- Whether the run is in the feed: while it has work, from where it left but not from before the present.
local function place(run)
  if has_work(run) then
    if not run.waiting then
      news[run.kind], run.waiting = news[run.kind] or false, 1
      run.start = math.max(run.start, clock_of(run.kind).vtime)
      redis.call('ZADD', root .. ':fair:' .. run.kind, int(run.start), run.id)
    end
  elseif run.waiting then
    run.waiting = nil
    run.start = tonumber(redis.call('ZSCORE', root .. ':fair:' .. run.kind, run.id) or run.start)
    redis.call('ZREM', root .. ':fair:' .. run.kind, run.id)
  end
end

-- Draws the conclusions of a change. Its caller has noted what is due anew.
local function settle(run)
  while run.state == 'running' do
    if run.done == run.total then
      if run.open + 1 == run.stages then end_run(run, 'succeeded') else open_stage(run, run.open + 1) end
    elseif run.done + run.failed == run.total or run.failed >= MAX_DEAD_PER_RUN then
      end_run(run, 'failed')
    else
      break
    end
  end
  place(run)
  save(run)
end

-- Lets a run go with all that is kept for it; results expire by themselves.
local function remove(run)
  local id = run.id
  local name = redis.call('HGET', root .. ':run:' .. id, 'key')
  if redis.call('HGET', root .. ':keys', name) == id then redis.call('HDEL', root .. ':keys', name) end
  redis.call('SREM', root .. ':runs', id)
  redis.call('ZREM', root .. ':fair:' .. run.kind, id)
  redis.call('ZREM', root .. ':timers', id)
  redis.call('UNLINK', root .. ':run:' .. id, key(id, 'payload'), key(id, 'done'), key(id, 'claims'), key(id, 'leases'),
    key(id, 'delayed'), key(id, 'again'), key(id, 'strikes'), key(id, 'dead'), key(id, 'dropped'), key(id, 'events'))
  runs[id] = false
end

-- Token, attempts, kills and worker of a claim; nothing where there is none.
local function parse_claim(text)
  if not text then return nil end
  local token, attempts, kills, worker = string.match(text, '^(%x+) (%d+) (%d+) (.+)$')
  return token, tonumber(attempts), tonumber(kills), worker
end

-- Whether a token is that of a job's claim, and its claim and run have not ended.
local function is_live(run, stage, index, token, holder)
  if not holder or holder ~= token or run.state ~= 'running' or tonumber(stage) ~= run.open then return false end
  if run.deadline and run.deadline <= now then return false end
  return not is_behind or tonumber(redis.call('ZSCORE', key(run.id, 'leases'), index) or -math.huge) > now
end

-- The claim of a token that is live: attempts, kills, worker; else nothing.
local function live(run, stage, index, token)
  if not run then return nil end
  local holder, attempts, kills, worker = parse_claim(redis.call('HGET', key(run.id, 'claims'), index))
  if not is_live(run, stage, index, token, holder) then return nil end
  return attempts, kills, worker
end

-- Takes a claim away, which leaves the job without a place.
local function release(run, index)
  redis.call('HDEL', key(run.id, 'claims'), index)
  redis.call('ZREM', key(run.id, 'leases'), index)
end

local function keep_strikes(run, index, attempts, kills)
  if attempts + kills > 0 then
    redis.call('HSET', key(run.id, 'strikes'), index, int(attempts) .. ' ' .. int(kills))
  end
end

-- Makes a job that has no place available.
local function make_ready(run, index, attempts, kills)
  redis.call('ZADD', key(run.id, 'again'), index, index)
  keep_strikes(run, index, attempts, kills)
end

-- Buries a job that has no place.
local function bury(run, index, cause, reason, attempts, kills, worker)
  run.failed = run.failed + 1
  note(run, 'dead', int(run.open), index, cause, reason)
  redis.call('HSET', key(run.id, 'dead'), index,
    table.concat({ int(now), cause, int(attempts), int(kills), worker, reason }, ' '))
end

-- The worker of a claim is taken for dead.
local function bereave(run, index)
  local _, attempts, kills, worker = parse_claim(redis.call('HGET', key(run.id, 'claims'), index))
  release(run, index)
  -- A lease without its claim is the audit's business; here it must not stop the shard.
  if not worker then return end
  kills = kills + 1
  note(run, 'expired', int(run.open), index, int(kills))
  if kills >= run.max_kills then
    bury(run, index, 'workers_lost', 'worker ' .. worker .. ' stopped renewing its lease', attempts, kills, worker)
  else
    make_ready(run, index, attempts, kills)
  end
end

-- Sets an ended run running. The claims that were open at its end were lost with it: their jobs are available.
local function revive(run)
  run.state, run.ended = 'running', nil
  local claims = redis.call('HGETALL', key(run.id, 'claims'))
  redis.call('UNLINK', key(run.id, 'claims'), key(run.id, 'leases'))
  for i = 1, #claims, 2 do
    local _, attempts, kills = parse_claim(claims[i + 1])
    make_ready(run, claims[i], attempts or 0, kills or 0)
  end
end

-- The members that are due, as many as the budget allows.
local function due_members(name)
  local due = redis.call('ZRANGEBYSCORE', name, '-inf', now, 'LIMIT', 0, budget)
  budget = budget - #due
  return due
end

-- Lets time pass for one run.
local function pass_time(run)
  if run.deadline and run.deadline <= now then return end_run(run, 'deadline_exceeded') end
  for _, index in ipairs(due_members(key(run.id, 'leases'))) do bereave(run, index) end
  for _, index in ipairs(due_members(key(run.id, 'delayed'))) do
    redis.call('ZREM', key(run.id, 'delayed'), index)
    redis.call('ZADD', key(run.id, 'again'), index, index)
  end
end

-- Lets time come to now for every run that is due, within the budget.
local function expire()
  while true do
    local first = redis.call('ZRANGE', root .. ':timers', 0, 0, 'WITHSCORES')
    if not first[1] or tonumber(first[2]) > now then return end
    if budget <= 0 then
      is_behind = true
      return
    end
    budget = budget - 1
    local run = load(first[1])
    if not run then
      redis.call('ZREM', root .. ':timers', first[1])
    elseif run.state == 'running' then
      pass_time(run)
      set_timer(run, next_due(run))
      settle(run)
    else
      remove(run)
    end
  end
end

-- Asks one worker that waits for jobs of a kind to claim. Entries that nobody waited for stay, a few of them: a hint too
-- many costs one look, and one that is lost costs the time until the next look.
local function ring(kind)
  local ready = root .. ':ready:' .. kind
  if redis.call('XLEN', ready) >= 8 then return end
  redis.call('XADD', ready, '*', 'w', '1')
  redis.call('PEXPIRE', ready, RUN_RETENTION_MS)
end

-- Rings for the kinds of which a step made work available or something due sooner.
local function wake()
  for kind, is_sooner in pairs(news) do
    if is_sooner or redis.call('EXISTS', root .. ':fair:' .. kind) == 1 then ring(kind) end
  end
end

-- Lets go the cards and orders that have expired, some each time.
local function forget_workers()
  local gone = redis.call('ZRANGEBYSCORE', root .. ':seen', '-inf', int(now - CARD_LIFE_MS), 'LIMIT', 0, 512)
  if gone[1] then
    redis.call('HDEL', root .. ':cards', unpack(gone))
    redis.call('ZREM', root .. ':seen', unpack(gone))
  end
  redis.call('ZREMRANGEBYSCORE', root .. ':drains', '-inf', int(now))
end

-- Whether a worker has a card that counts.
local function is_there(worker)
  return tonumber(redis.call('ZSCORE', root .. ':seen', worker) or -math.huge) > now - CARD_LIFE_MS
end

-- Settles each run named, once, in the order given.
local function settle_all(ids)
  local seen = {}
  for _, id in ipairs(ids) do
    if not seen[id] and runs[id] then
      seen[id] = true
      settle(runs[id])
    end
  end
end

-- claim: delivers jobs of some kinds in weighted-fair order, each under a token of its own.
--
-- ARGV[2..]  worker, lease in ms, number of kinds, those kinds, each once, then tokens, as many as jobs are wanted; the
--            first token names the call
-- Returns    {now in ms, ms until time next changes something or -1 where it never does or there are jobs, then in the
--            order of the tokens: `RUN:STAGE` before the jobs of a run, `INDEX` for a job that nothing happened to
--            before, `INDEX/ATTEMPTS/KILLS` for any other}
-- Invariant  a call delivers once, and what it delivered is noted for as long as its leases, should it be recalled.
--            A job delivered has a claim and a lease and is nowhere else; within a run, jobs that come back go before
--            new ones, each by index; every delivery moves its run's tag on by the run's cost, and a run whose turn it is gives several jobs in a row
--            where many are asked for. Where work is left, one
--            more worker that waits for jobs of its kind is asked to claim, so a crowd wakes one by one and only as far
--            as there is work. A kind that is behind the others asked for is moved up to the furthest of their clocks,
--            and ties between kinds go to the one served longest ago.

local worker, lease_ms, first_token = ARGV[2], ARGV[3], 5 + ARGV[4]
expire()
local call = root .. ':call:' .. ARGV[first_token]
if redis.call('EXISTS', call) == 1 then return { int(now), '-1' } end
local lease_until, wanted = int(now + lease_ms), #ARGV - first_token + 1
local delivered, last, taken, carts, order = {}, nil, 0, {}, {}
local in_a_row = math.max(1, math.floor(wanted / TURNS_PER_CLAIM))
local unharmed = ' 0 0 ' .. worker

-- The kinds, each with its first run and the one after it.
local lines = {}

local function look(line)
  local first = redis.call('ZRANGE', line.fair, 0, 1, 'WITHSCORES')
  line.id, line.start, line.second, line.second_start = first[1], tonumber(first[2]), first[3], tonumber(first[4])
  if line.id then line.clock = clock_of(line.kind) end
end

-- Moves the kinds that are behind up to the furthest of the clocks.
local function level()
  local furthest = 0
  for _, line in ipairs(lines) do
    if line.id then furthest = math.max(furthest, line.clock.vtime + line.clock.offset) end
  end
  for _, line in ipairs(lines) do
    if line.id then line.clock.offset = math.max(line.clock.offset, furthest - line.start) end
  end
end

-- The kind to serve, the tag at which another one is to be served instead, and the greatest turn.
local function next_line()
  local best, rival, turn = nil, math.huge, 0
  for _, line in ipairs(lines) do
    if line.id then
      local tag, clock = line.start + line.clock.offset, line.clock
      turn = math.max(turn, clock.turn)
      local is_first = not best or tag < best.tag or (tag == best.tag and clock.turn < best.clock.turn)
        or (tag == best.tag and clock.turn == best.clock.turn and line.id < best.id)
      if is_first then
        if best then rival = best.tag end
        best, line.tag = line, tag
      else
        rival = math.min(rival, tag)
      end
    end
  end
  return best, rival, turn
end

-- What is taken of one run, written at the end.
local function cart_of(run)
  local cart = carts[run.id]
  if not cart then
    cart = { again = redis.call('ZRANGE', key(run.id, 'again'), 0, wanted - 1), back = 0, claims = {}, leases = {} }
    carts[run.id], order[#order + 1] = cart, run.id
  end
  return cart
end

local function take(run, cart)
  if run ~= last then
    last, delivered[#delivered + 1] = run, run.id .. ':' .. int(run.open)
  end
  local index, rest = cart.again[cart.back + 1], unharmed
  local word = index
  if index then
    cart.back = cart.back + 1
    local strikes = redis.call('HGET', key(run.id, 'strikes'), index)
    local attempts, kills = string.match(strikes or '', '^(%d+) (%d+)$')
    if strikes then redis.call('HDEL', key(run.id, 'strikes'), index) end
    if attempts then
      word, rest = index .. '/' .. attempts .. '/' .. kills, ' ' .. strikes .. ' ' .. worker
    end
  else
    index = int(run.fed)
    word, run.fed = index, run.fed + 1
  end
  delivered[#delivered + 1] = word
  local n = #cart.claims
  cart.claims[n + 1], cart.claims[n + 2] = index, ARGV[first_token + taken] .. rest
  cart.leases[n + 1], cart.leases[n + 2] = lease_until, index
  taken = taken + 1
end

local function is_dry(run, cart)
  return cart.back >= #cart.again and run.fed >= run.total
end

-- Takes jobs of a kind's first run, so many in a row each time, until it is another one's turn.
local function serve(line, rival, turn)
  local run, start, clock = load(line.id), line.start, line.clock
  if not run or run.state ~= 'running' or run.kind ~= line.kind then
    redis.call('ZREM', line.fair, line.id)
    return
  end
  local cart = cart_of(run)
  local is_over = is_dry(run, cart)
  while taken < wanted and not is_over do
    turn = turn + 1
    clock.turn, clock.vtime = turn, math.max(clock.vtime, start)
    local turn_end = math.min(taken + in_a_row, wanted)
    while taken < turn_end and not is_dry(run, cart) do
      take(run, cart)
      start = start + run.cost
    end
    is_over = is_dry(run, cart) or start + clock.offset >= rival
      or (line.second and (start > line.second_start or (start == line.second_start and run.id > line.second)))
  end
  if is_dry(run, cart) then
    run.start, run.waiting = start, nil
    redis.call('ZREM', line.fair, run.id)
  else
    redis.call('ZADD', line.fair, int(start), run.id)
  end
end

for i = 5, first_token - 1 do
  local line = { kind = ARGV[i], fair = root .. ':fair:' .. ARGV[i] }
  look(line)
  lines[#lines + 1] = line
end
level()
while taken < wanted do
  local line, rival, turn = next_line()
  if not line then break end
  serve(line, rival, turn)
  look(line)
end

if taken > 0 then
  redis.call('SET', call, table.concat(delivered, ' '), 'PX', lease_ms)
  for _, line in ipairs(lines) do
    if line.clock then keep_clock(line.kind, line.clock) end
    if line.id then news[line.kind] = news[line.kind] or false end
  end
end
for _, id in ipairs(order) do
  local run, cart = runs[id], carts[id]
  if cart.claims[1] then
    redis.call('HSET', key(id, 'claims'), unpack(cart.claims))
    redis.call('ZADD', key(id, 'leases'), unpack(cart.leases))
    if cart.back > 0 then redis.call('ZREMRANGEBYRANK', key(id, 'again'), 0, cart.back - 1) end
    note_due(run, now + lease_ms)
  end
  settle(run)
end
wake()
return { int(now), taken > 0 and '-1' or ms_until_due(), unpack(delivered) }

-- claim: delivers jobs in weighted-fair order, each under a token of its own.
--
-- ARGV[2..]  worker, lease in ms, then tokens, as many as jobs are wanted; the first one names the call
-- Returns    {now in ms, ms until time next changes something or -1 where it never does or there are jobs, then for each job in the order of the tokens:
--            run, stage, index, attempts, kills}
-- Invariant  a call delivers once, and what it delivered is noted for as long as its leases, should it be recalled.
--            A job delivered has a claim and a lease and is nowhere else; within a run, jobs that come back go before
--            new ones, each by index; every delivery moves its run's tag on by the run's cost. Where work is left, one
--            more waiting worker is asked to claim, so a crowd wakes one by one and only as far as there is work.

expire()
local call = root .. ':call:' .. ARGV[4]
if redis.call('EXISTS', call) == 1 then return { int(now), '-1' } end
local worker, lease_until, wanted = ARGV[2], int(now + ARGV[3]), #ARGV - 3
local fair = root .. ':fair'
local vtime = tonumber(redis.call('GET', root .. ':vtime') or 0)
local reply, delivered, last, taken, carts, order = {}, {}, nil, 0, {}, {}

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
  local index, attempts, kills = cart.again[cart.back + 1], '0', '0'
  if index then
    cart.back = cart.back + 1
    local strikes = redis.call('HGET', key(run.id, 'strikes'), index)
    if strikes then
      attempts, kills = string.match(strikes, '^(%d+) (%d+)$')
      redis.call('HDEL', key(run.id, 'strikes'), index)
    end
  else
    index = int(run.fed)
    run.fed = run.fed + 1
  end
  taken = taken + 1
  local n = #cart.claims
  cart.claims[n + 1], cart.claims[n + 2] = index, table.concat({ ARGV[3 + taken], attempts, kills, worker }, ' ')
  cart.leases[n + 1], cart.leases[n + 2] = lease_until, index
  if run ~= last then
    last, delivered[#delivered + 1] = run, run.id .. ':' .. int(run.open)
  end
  delivered[#delivered + 1] = index
  n = #reply
  reply[n + 1], reply[n + 2], reply[n + 3], reply[n + 4], reply[n + 5] = run.id, run.open, index, attempts, kills
end

local function is_dry(run, cart)
  return cart.back >= #cart.again and run.fed >= run.total
end

while taken < wanted do
  local first = redis.call('ZRANGE', fair, 0, 1, 'WITHSCORES')
  if not first[1] then break end
  local run, start, rival, rival_start = load(first[1]), tonumber(first[2]), first[3], tonumber(first[4])
  if not run or run.state ~= 'running' then
    redis.call('ZREM', fair, first[1])
  else
    local cart = cart_of(run)
    repeat
      if is_dry(run, cart) then break end
      take(run, cart)
      vtime, start = math.max(vtime, start), start + run.cost
      local is_behind_rival = rival and (start > rival_start or (start == rival_start and run.id > rival))
    until taken == wanted or is_behind_rival
    if is_dry(run, cart) then
      run.start, run.waiting = start, nil
      redis.call('ZREM', fair, run.id)
    else
      redis.call('ZADD', fair, int(start), run.id)
    end
  end
end

if taken > 0 then
  redis.call('SET', root .. ':vtime', int(vtime))
  redis.call('SET', call, table.concat(delivered, ' '), 'PX', ARGV[3])
end
for _, id in ipairs(order) do
  local run, cart = runs[id], carts[id]
  if cart.claims[1] then
    redis.call('HSET', key(id, 'claims'), unpack(cart.claims))
    redis.call('ZADD', key(id, 'leases'), unpack(cart.leases))
    if cart.back > 0 then redis.call('ZREMRANGEBYRANK', key(id, 'again'), 0, cart.back - 1) end
    note_due(run, now + ARGV[3])
  end
  settle(run)
end
if is_sooner or (taken > 0 and redis.call('EXISTS', fair) == 1) then ring() end
return { int(now), taken > 0 and '-1' or ms_until_due(), unpack(reply) }

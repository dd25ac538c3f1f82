-- audit_lost: looks for jobs that were delivered and are in no place.
--
-- ARGV[2..]  run, stage, index to begin with, a multiple of 8, index to end before, most jobs to look at, about,
--            '1' to mend else '0'
-- Returns    false where there is no such run, else {index to go on with, '' at the end or where the stage is not the
--            open one, open stage, then for each fault: index, '1' where it was mended else '0', what is wrong}
-- Invariant  what is named is so at this moment. Mending makes the job available.

local run, from, most, is_mending = load_any(ARGV[2]), tonumber(ARGV[4]), tonumber(ARGV[6]), ARGV[7] == '1'
if not run then return false end
if run.open ~= tonumber(ARGV[3]) then return { '', int(run.open) } end
local to, faults = math.min(run.total, tonumber(ARGV[5])), {}

local function is_somewhere(index)
  return redis.call('HEXISTS', key(run.id, 'claims'), index) == 1
    or redis.call('ZSCORE', key(run.id, 'again'), index)
    or redis.call('ZSCORE', key(run.id, 'delayed'), index)
    or redis.call('HEXISTS', key(run.id, 'dead'), index) == 1
    or redis.call('SISMEMBER', key(run.id, 'dropped'), index) == 1
end

local function look_at(index)
  if is_somewhere(index) then return end
  if is_mending then redis.call('ZADD', key(run.id, 'again'), index, index) end
  local n = #faults
  faults[n + 1], faults[n + 2], faults[n + 3] = index, is_mending and '1' or '0', 'it was delivered and is in no place'
end

-- The done bits as far as one call looks; where none is set there may be none.
local first, length = from / 8, math.ceil(to / 8) - from / 8
length = math.max(0, math.min(length, AUDIT_PIECE_BYTES))
local piece = redis.call('GETRANGE', key(run.id, 'done'), first, first + length - 1)
piece = string.sub(piece, 1, length) .. string.rep('\0', length - #piece)

-- Bytes with all bits set are passed over.
local at, looked = 1, 0
while looked < most do
  at = string.find(piece, '[^\255]', at)
  if not at then break end
  local byte = string.byte(piece, at)
  for bit = 0, 7 do
    local index = (first + at - 1) * 8 + bit
    if index < to and math.floor(byte / 2 ^ (7 - bit)) % 2 == 0 then
      look_at(int(index))
      looked = looked + 1
    end
  end
  at = at + 1
end
if is_mending and faults[1] then
  settle(run)
  wake()
end
local next_index = (first + (at and at - 1 or length)) * 8
return { next_index < to and int(next_index) or '', int(run.open), unpack(faults) }

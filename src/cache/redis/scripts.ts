/** Writes ARGV[2] for ARGV[3] milliseconds if what is there begins with ARGV[1]. What is not text is not what is expected. */
export const replaceSource = `
local found = redis.pcall('GETRANGE', KEYS[1], 0, #ARGV[1] - 1)
if found ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`;

/**
 * Adds ARGV[1]. The lifetime becomes ARGV[2] milliseconds when that is given; ARGV[3] is for what has none.
 */
export const incrementSource = `
local sum = redis.call('INCRBY', KEYS[1], ARGV[1])
if ARGV[2] ~= '' then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
elseif redis.call('PTTL', KEYS[1]) < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return sum`;

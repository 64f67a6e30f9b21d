-- wrk's side of the closed loop: POST one body, check every answer, end with one line of JSON.
-- Arguments: body file, key, expected length of the answer, its last bytes (a file), and `new` where
-- no two questions shall be the same.
local expected_length, tail_length, tail = 0, 0, ""
wrong = 0

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  wrk.method = "POST"
  wrk.body = read(args[1])
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Authorization"] = "Bearer " .. args[2]
  expected_length = tonumber(args[3])
  tail = read(args[4])
  tail_length = #tail
  prepared = wrk.format()
  if args[5] == "new" then
    -- Two runs do not begin in the same second.
    local open, begun, number = wrk.body:sub(1, -2), os.time(), 0
    request = function()
      number = number + 1
      return wrk.format(nil, nil, nil, string.format('%s,"seed":%d%08d}', open, begun, number))
    end
  end
end

function request()
  return prepared
end

function response(status, headers, body)
  if status ~= 200 or #body ~= expected_length or (tail_length > 0 and body:sub(-tail_length) ~= tail) then
    wrong = wrong + 1
  end
end

function done(summary, latency, requests)
  local bad = 0
  for _, thread in ipairs(threads) do
    bad = bad + thread:get("wrong")
  end
  local e = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"seconds":%.6f,"wrong":%d,"socket_errors":%d,"timeouts":%d,"p50_us":%d,"p99_us":%d}\n',
    summary.requests, summary.duration / 1e6, bad + e.status,
    e.connect + e.read + e.write, e.timeout, latency:percentile(50), latency:percentile(99)))
end

-- wrk's script: posts the photos of a bodies file in turn, as the documented client does, and counts the answers.
-- wrk ... --script post.lua URL -- BODIES SERIES CLIENTS [patient]
-- BODIES holds a photo's base64 a line, without padding; SERIES is seven digits that no other run on this server has.
-- Each request ends in 16 digits of its own: no server has seen this picture before, so none can skip a part of its work.
-- A patient client that is told 503 waits a second (our Retry-After) before it asks again.

local ffi = require("ffi")
ffi.cdef [[
    typedef struct { long seconds; long nanoseconds; } pm_time;
    int clock_gettime(int clock, pm_time *time);
]]
local MONOTONIC = 1
local RETRY_AFTER_MS = 1000
local OWN_DIGITS = string.rep("~", 16)  -- stands for them; no character of base64
local threads = {}

local function now_ms()
    local time = ffi.new("pm_time")
    ffi.C.clock_gettime(MONOTONIC, time)
    return tonumber(time.seconds) * 1e3 + tonumber(time.nanoseconds) / 1e6
end

function setup(thread)
    table.insert(threads, thread)
end

function init(arguments)
    photos, requests, sent, statuses = {}, {}, {}, {}
    number, owed_pauses, slowest_busy_ms, longest_ms = 0, 0, 0, 0
    -- The rate is that between two answers: from the first of each client on, what is asked and not answered is the same
    -- at both. Answers over the whole time would leave out what each client waits for at its end.
    answered, first_ms, last_ms = 0, 0, 0
    for line in io.lines(arguments[1]) do
        table.insert(photos, line)
    end
    series = arguments[2]
    clients = tonumber(arguments[3])
    if arguments[4] == "patient" then
        -- wrk does not say for which connection it asks; in all, each 503 is followed by one pause.
        delay = function()
            if owed_pauses == 0 then return 0 end
            owed_pauses = owed_pauses - 1
            return RETRY_AFTER_MS
        end
    end
end

-- A photo's whole request and the places of its own digits in it.
local function prepared(photo)
    local headers = { ["Content-Type"] = "application/json", ["X-Request-ID"] = "bench-" .. OWN_DIGITS }
    local body = '{"image_id": "bench-' .. OWN_DIGITS .. '", "image_base64": "b\'' .. photo .. OWN_DIGITS .. '\'"}'
    local text, places = wrk.format("POST", nil, headers, body), {}
    for place in text:gmatch("()" .. OWN_DIGITS) do
        table.insert(places, place - 1)
    end
    return { text = text, places = places }
end

function request()
    number = number + 1
    local tail = string.format("%s%09d", series, number)
    local index = (number - 1) % #photos + 1
    requests[index] = requests[index] or prepared(photos[index])
    local text, places = requests[index].text, requests[index].places
    -- Written over in place, which Lua does not know of: wrk copies what it gets, and a new string of a photo's size costs
    -- half a millisecond of the cores that are measured.
    for _, place in ipairs(places) do
        ffi.copy(ffi.cast("char *", text) + place, tail, #tail)
    end
    -- The first is wrk's look at this script, and goes nowhere.
    if number > 1 then sent["bench-" .. tail] = now_ms() end
    return text
end

function response(status, headers, body)
    local kind = tostring(status)
    if status == 200 and not (body:find('"image_id"', 1, true) and body:find('"result"', 1, true)) then
        kind = "200 without the two keys"
    end
    statuses[kind] = (statuses[kind] or 0) + 1
    if status == 200 then
        answered = answered + 1
        last_ms = now_ms()
        if answered == clients then first_ms = last_ms end
    end
    if status == 503 then owed_pauses = owed_pauses + 1 end
    local id = headers["X-Request-ID"]  -- ours echoes it, which tells how long this very answer took
    if sent[id] then
        local took_ms = now_ms() - sent[id]
        longest_ms = math.max(longest_ms, took_ms)
        if status == 503 then slowest_busy_ms = math.max(slowest_busy_ms, took_ms) end
        sent[id] = nil
    end
end

local object
function object(values)
    local parts = {}
    for name, value in pairs(values) do
        local text = type(value) == "table" and object(value) or string.format("%.3f", value)
        table.insert(parts, string.format('"%s": %s', name, text))
    end
    return "{" .. table.concat(parts, ", ") .. "}"
end

function done(summary, latency)
    local counts, slowest, longest, steady, steady_seconds = {}, 0, 0, 0, 0
    local ended_ms = now_ms()
    for _, thread in ipairs(threads) do
        for kind, count in pairs(thread:get("statuses")) do
            counts[kind] = (counts[kind] or 0) + count
        end
        slowest = math.max(slowest, thread:get("slowest_busy_ms"))
        longest = math.max(longest, thread:get("longest_ms"))
        -- wrk counts no request that nobody has answered when its time is over.
        for _, since_ms in pairs(longest > 0 and thread:get("sent") or {}) do
            longest = math.max(longest, ended_ms - since_ms)
        end
        steady = math.max(0, thread:get("answered") - thread:get("clients"))  -- one thread: wrk --threads 1
        steady_seconds = (thread:get("last_ms") - thread:get("first_ms")) / 1e3
    end
    local errors = summary.errors
    print("JSON " .. object({
        seconds = summary.duration / 1e6,
        statuses = counts,
        errors = { connect = errors.connect, read = errors.read, write = errors.write, timeout = errors.timeout },
        latency_ms = {
            p50 = latency:percentile(50) / 1e3,
            p95 = latency:percentile(95) / 1e3,
            p99 = latency:percentile(99) / 1e3,
        },
        slowest_busy_ms = slowest,
        longest_ms = longest,
        steady = steady,
        steady_seconds = steady_seconds,
    }))
end

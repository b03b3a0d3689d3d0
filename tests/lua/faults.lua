--- faults: how an endpoint misbehaves, and what a run makes of it.
---
--- Each hits one request of each phase, for as long as it is asked. What becomes of that request:
---   fails   it is tried again (retries: 1), then given up; its item fails
---   spent   it was answered, with nothing usable: a turn is spent, and the next is asked (max_attempts: 2)
---   kept    its pairs are taken all the same
--- `says` stands in the report beside the number of such replies; `breaks` names what to take away to see
--- the fault's tests fail: a function, and in words what of it.

local json = require "nlsql.json"

local faults = {}

local function choice(message, finish)
  return { index = 0, finish_reason = finish or "stop", message = message }
end

local function completion(message, finish)
  return json.encode { id = "x", choices = json.array { choice(message, finish) },
    usage = { prompt_tokens = 10, completion_tokens = 10 } }
end

local function assistant(content, more)
  local message = { role = "assistant", content = content }
  for name, value in pairs(more or {}) do message[name] = value end
  return message
end

local function said(content) return completion(assistant(content)) end

local function hex(bytes) return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end)) end

--- A right answer of this hit; the phase builtins has another for each table, and any will do here.
local function good(hit)
  return hit.good ~= "" and hit.good or '{"question": "What are the names in capitals?", "sql": "SELECT upper(\'a\') AS a"}'
end

--- A body around a right answer that only a hit with an answer of its own has kept.
local function around(make)
  return function(hit)
    if hit.good == "" then return {} end
    return { make(good(hit)) }
  end
end

local PLAIN_429 = '{"error":{"message":"Rate limit reached","type":"requests","code":"rate_limit_exceeded"}}'

---@class tests.Fault
---@field name string
---@field becomes "fails"|"spent"|"kept"
---@field rules table|fun(hit: tests.Hit): table
---@field says string?     the outcome that the report names
---@field error string?    words on standard error
---@field critic integer?   how often a critic is asked, where that is out of the ordinary
---@field slow boolean?     it asks to slow down: it is waited for longer, where others were answered
---@field timed boolean?    it never ends, so times are short
---@field gap integer?     milliseconds between two tries at least
---@field breaks string

---@type tests.Fault[]
faults.LIST = {
  -- the endpoint asks to slow down
  { name = "429, Retry-After in seconds", becomes = "fails", slow = true, says = "http_429", gap = 950, breaks = "openai wait_of: retry_after",
    rules = { { times = 1, status = 429, headers = { ["Retry-After"] = "1" }, body = PLAIN_429 }, { status = 429, body = PLAIN_429 } } },
  { name = "429, Retry-After as a date", becomes = "fails", slow = true, says = "http_429", gap = 950, -- of whole seconds: @2 is 1 to 2 s
    breaks = "nl_http_retry_after: curl_getdate",
    rules = { { times = 1, status = 429, headers = { ["Retry-After"] = "@2" }, body = PLAIN_429 }, { status = 429, body = PLAIN_429 } } },
  { name = "429 without Retry-After", becomes = "fails", slow = true, says = "http_429", breaks = "openai RETRIED: 429",
    rules = { { status = 429, body = PLAIN_429 } } },
  { name = "500", becomes = "fails", says = "http_500", error = "HTTP 500: boom", breaks = "openai refused: status >= 500",
    rules = { { status = 500, body = '{"error":{"message":"boom"}}' } } },
  { name = "502 with a page", becomes = "fails", says = "http_502", error = "HTTP 502: Bad gateway",
    breaks = "refusals.text: tags are taken out", rules = { { status = 502, body = "<html><h1>Bad gateway</h1></html>" } } },
  { name = "503", becomes = "fails", slow = true, says = "http_503", breaks = "openai refused: status >= 500",
    rules = { { status = 503, body = '{"error":{"message":"Loading model","type":"unavailable_error","code":503}}' } } },
  { name = "529", becomes = "fails", slow = true, says = "http_529", error = "Overloaded", breaks = "openai refused: status >= 500",
    rules = { { status = 529, body = '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}' } } },
  { name = "an error in a 200", becomes = "fails", says = "error_body", error = "Provider returned error",
    breaks = "openai.read: completion.error", rules = { { body = '{"error":{"code":502,"message":"Provider returned error"}}' } } },
  { name = "an error in a stream", becomes = "fails", says = "error_body", error = "upstream gone",
    breaks = "sse.c take_event: keep_node(&fold->error)",
    rules = { { body = 'data: {"choices":[{"index":0,"delta":{"content":"{\\"que"}}]}\n\ndata: {"error":{"message":"upstream gone"}}\n\n' } } },

  -- the connection
  { name = "a reset before the reply", becomes = "fails", says = "net", error = "connection", breaks = "openai.send: got.error",
    rules = { { fault = "reset_before" } } },
  -- timed: the library behind the stand-in forgets now and then to close
  { name = "a reset amid the reply", becomes = "fails", timed = true, says = "broken", breaks = "openai.send: broken",
    rules = { { fault = "reset_mid", content = "x" } } },
  { name = "a connection that is half open", becomes = "fails", timed = true, says = "broken", error = "has been silent for 0.5 s",
    breaks = "http_call.c nl_http_call_overdue: NL_HTTP_IDLE", rules = { { fault = "half_open", content = "x" } } },
  { name = "silence", becomes = "fails", timed = true, says = "timeout", error = "has been silent for 0.5 s",
    breaks = "http_call.c nl_http_call_overdue: NL_HTTP_IDLE", rules = { { fault = "hang" } } },
  { name = "a head that drips for ever", becomes = "fails", timed = true, says = "timeout", error = "has not finished its reply within 2 s",
    breaks = "http_call.c nl_http_call_overdue: NL_HTTP_TOTAL", rules = { { fault = "drip_head" } } },
  { name = "a body that drips for ever", becomes = "fails", timed = true, says = "timeout", error = "has not finished its reply within 2 s",
    breaks = "http_call.c nl_http_call_overdue: NL_HTTP_TOTAL", rules = { { fault = "drip_body" } } },
  { name = "a Content-Length beyond the body", becomes = "fails", says = "net", error = "in the middle of its reply",
    breaks = "openai.send: broken", rules = { { fault = "long_length", body = "[]" } } },
  { name = "a Content-Length that cuts the body", becomes = "fails", says = "garbled", error = "the reply cannot be read",
    breaks = "openai.send: not completion", rules = { { fault = "short_length", body = said "hello" } } },
  { name = "chunks of garbage", becomes = "fails", says = "net", error = "", breaks = "openai.send: got.error",
    rules = { { fault = "bad_chunks" } } },
  { name = "bytes that are no HTTP", becomes = "fails", says = "net", error = "is not HTTP", breaks = "openai.send: got.error",
    rules = { { fault = "garbage" } } },
  { name = "a gzip bomb", becomes = "fails", says = "limit", error = "is larger than 1000000 bytes",
    breaks = "http_call.c on_body: NL_HTTP_SIZE", rules = { { fault = "gzip_bomb" } } },
  { name = "a body of 100 MB", becomes = "fails", says = "limit", error = "is larger than 1000000 bytes",
    breaks = "http_call.c on_body: NL_HTTP_SIZE", rules = { { fault = "huge" } } },

  -- the body
  { name = "a body that is no UTF-8", becomes = "fails", says = "garbled", error = "invalid UTF-8",
    breaks = "json_read.c nl_json_read: nl_utf8_span", rules = { { hex = hex((said "hello\1"):gsub("\\u0001", "\xff\xfe")) } } },
  { name = "NUL bytes", becomes = "fails", says = "garbled", error = "the reply cannot be read",
    breaks = "openai.send: not completion", rules = { { hex = hex('{"choices":[\0\0{"index":0}]}\0') } } },
  { name = "a NUL in the query", becomes = "spent", breaks = "replies text_of: NUL",
    rules = { { body = said '{"question": "How many?", "answer": "a\\u0000b", "sql": "SELECT 1\\u0000; DROP TABLE customer"}' } } },
  { name = "a page of HTML", becomes = "fails", says = "garbled", error = "the reply cannot be read",
    breaks = "openai.send: not completion", rules = { { fault = "html" } } },
  { name = "an empty body", becomes = "fails", says = "garbled", error = "the reply cannot be read",
    breaks = "openai.send: not completion", rules = { { fault = "empty" } } },
  { name = "JSON that is cut", becomes = "fails", says = "garbled", error = "the reply cannot be read",
    breaks = "openai.send: not completion", rules = { { body = said(("x"):rep(100)):sub(1, 90) } } },
  { name = "nesting without end", becomes = "fails", says = "garbled", error = "nested deeper than 200",
    breaks = "json_read.c open_level: too_deep",
    rules = { { body = '{"choices":' .. ("["):rep(100000) .. ("]"):rep(100000) .. "}" } } },
  { name = "nesting without end in what the model wrote", becomes = "spent", breaks = "salvage.walk: what is broken is passed over",
    rules = { { body = said(('{"a":['):rep(20000)) } } },
  { name = "huge numbers", becomes = "kept", breaks = "openai usage_of: whole",
    rules = around(function(text)
      return { body = ('{"created":1e999999,"index":123456789012345678901234567890,"choices":[{"index":1e400,"finish_reason":"stop",'
        .. '"message":{"role":"assistant","content":%s}}],"usage":{"prompt_tokens":1e300,"completion_tokens":'
        .. '99999999999999999999}}'):format(json.encode(text)) }
    end) },
  { name = "10,000 choices", becomes = "kept", breaks = "openai.read: the first choice",
    rules = around(function(text)
      local list = { choice(assistant(text)) }
      for i = 2, 10000 do list[i] = { index = i - 1, message = assistant "x" } end
      return { body = json.encode { choices = json.array(list), usage = { prompt_tokens = 1, completion_tokens = 1 } } }
    end) },
  { name = "10,000 choices in a stream", becomes = "kept", breaks = "sse.c take_choice: index == MAX_CHOICES",
    rules = around(function(text)
      local list = { ('data: {"choices":[{"index":0,"delta":{"content":%s},"finish_reason":"stop"}]}\n\n'):format(json.encode(text)) }
      for i = 1, 9999 do list[i + 1] = ('data: {"choices":[{"index":%d,"delta":{"content":"x"},"finish_reason":"stop"}]}\n\n'):format(i) end
      list[#list + 1] = "data: [DONE]\n\n"
      return { body = table.concat(list) }
    end) },
  { name = "duplicate keys", becomes = "kept", breaks = "json.decode: the last one holds",
    rules = around(function(text)
      return { body = ('{"choices":[],"choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"a",'
        .. '"content":%s}}],"usage":null,"usage":{"prompt_tokens":1,"completion_tokens":1}}'):format(json.encode(text)) }
    end) },
  { name = "no usage", becomes = "kept", breaks = "llm try: usage may be nil",
    rules = around(function(text) return { content = text, usage = false } end) },
  { name = "usage that is nonsense", becomes = "kept", breaks = "openai usage_of: whole",
    rules = around(function(text)
      return { body = ('{"choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":%s}}],'
        .. '"usage":{"prompt_tokens":-5,"completion_tokens":"many","cost":"free"}}'):format(json.encode(text)) }
    end) },
  { name = "choices that are no list", becomes = "spent", says = "no_choices", breaks = "openai.read: no_choices",
    rules = { { body = '{"choices":{"index":0},"usage":{"prompt_tokens":1,"completion_tokens":1}}' } } },
  { name = "no choice at all", becomes = "spent", says = "no_choices", breaks = "openai.read: no_choices",
    rules = { { body = '{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":0}}' } } },

  -- the model
  { name = "calls of tools that are nonsense", becomes = "spent", breaks = "openai calls_of",
    rules = { { body = completion({ role = "assistant", content = json.null, tool_calls = json.array { 7, { id = 5 },
      { ["function"] = "x" }, { ["function"] = { name = { "a" }, arguments = json.null } },
      { id = "c", ["function"] = { name = "drop_database", arguments = "{{{" } } } }, "tool_calls") } } },
  { name = "a refusal", becomes = "spent", says = "refusal", breaks = "openai.read: refusal",
    rules = { { body = completion({ role = "assistant", content = json.null, refusal = "I cannot help with that." }) } } },
  { name = "a limit before the first whole pair", becomes = "spent", says = "length", breaks = "openai.read: length",
    rules = { { body = completion(assistant '{"question": "How m', "length") } } },
  { name = "a limit behind a whole pair", becomes = "kept", says = "length", breaks = "salvage.walk: what is whole is taken",
    rules = around(function(text) return { body = completion(assistant(text .. '\n{"question": "How m'), "length") } end) },
  { name = "a content filter on the reply", becomes = "spent", says = "content_filter", breaks = "openai.read: content_filter",
    rules = { { body = completion(assistant "", "content_filter") } } },
  { name = "a content filter on the request", becomes = "spent", says = "content_filter", breaks = "refusals.filtered",
    critic = 2, -- there is no reply to be kept
    rules = { { status = 400, body = '{"error":{"message":"The response was filtered due to the prompt triggering Azure OpenAI\'s '
      .. 'content management policy.","code":"content_filter","param":"prompt","status":400}}' } } },
  { name = "a model that repeats itself for ever", becomes = "spent", says = "length", breaks = "openai.read: length",
    rules = { { body = completion(assistant(("the same again and again and "):rep(2000)), "length") } } },
  { name = "a model that only thinks", becomes = "spent", breaks = "salvage.without_thought",
    rules = { { content = "<think>" .. ("hm, let me see "):rep(500) } } },
  { name = "prose", becomes = "spent", breaks = "replies.each: no_json",
    rules = { { content = "I would be glad to help you with your database." } } },
}

return faults

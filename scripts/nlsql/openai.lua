--- openai: the provider for any endpoint that speaks Chat Completions.
---
--- How the known kinds of endpoints differ is in nlsql.profiles; what an endpoint does not understand
--- besides (a kind of response_format, the name of the output limit, temperature, stream options, tools) is
--- found out from its own refusal (nlsql.refusals) and remembered for the run.

local http = require "nlsql.http"
local json = require "nlsql.json"
local profiles = require "nlsql.profiles"
local providers = require "nlsql.providers"
local refusals = require "nlsql.refusals"

local openai = { reads_prompts = providers.KNOWN.openai.reads_prompts, PACED = true }

---@class nlsql.Endpoint
---@field url string          where the model's chat completions are asked for
---@field model string
---@field settings table      timeouts, stream, temperature, …
---@field profile nlsql.EndpointProfile
---@field manners table<string, nlsql.Manner>  by model

--- How an endpoint is to be spoken to. `settings.base_url` ends in /v1 or the like.
---@return nlsql.Endpoint
function openai.open(settings)
  return {
    url = profiles.chat_url(settings, settings.openai_model),
    model = settings.openai_model,
    settings = settings,
    profile = profiles.of(settings),
    manners = {},
  }
end

local function note_of(endpoint, model) return ("manner %s %s"):format(model, endpoint.url) end

--- How a model of the endpoint is to be asked, as far as is known: what an earlier phase learnt too.
---@param endpoint nlsql.Endpoint
---@param model string?  nil: the endpoint's own
---@return nlsql.Manner
function openai.manner(endpoint, model)
  model = model or endpoint.model
  local manner = endpoint.manners[model]
  if not manner then
    local learnt = json.decode(http.remembered(note_of(endpoint, model)) or "null")
    local profile = endpoint.profile
    manner = type(learnt) == "table" and learnt ~= json.null and learnt
      or { formats = table.move(profile.formats, 1, #profile.formats, 1, {}), limit_name = profile.limit, dropped = {} }
    endpoint.manners[model] = manner
  end
  return manner
end

--- Keeps what was learnt for the phases that follow.
local function keep_manner(endpoint, model, manner)
  local text = json.encode(manner)
  if text then http.remember(note_of(endpoint, model), text) end
end

local function response_format(kind, schema)
  if kind == "json_schema" then
    return { type = "json_schema", json_schema = { name = schema.name, strict = true, schema = schema.schema } }
  elseif kind == "json_object" then
    return { type = "json_object" }
  end
end

---@class nlsql.Tool
---@field name string
---@field description string what it does, for the model
---@field parameters table   a JSON schema of its arguments, an object

---@class nlsql.ToolCall
---@field id string
---@field name string
---@field arguments string   JSON, as the model wrote it: it may be broken

--- A message as the endpoint takes it: calls of tools have a form of their own there.
local function message_of(message)
  if not message.tool_calls then return message end
  local calls = {}
  for i, call in ipairs(message.tool_calls) do
    calls[i] = { id = call.id, type = "function", ["function"] = { name = call.name, arguments = call.arguments } }
  end
  return { role = message.role, content = message.content, tool_calls = json.array(calls) }
end

--- Bytes of what is said, on which room for a reply depends.
---@param ask table
---@return integer
function openai.size(ask)
  local n = 0
  for _, message in ipairs(ask.messages) do
    n = n + #(message.content or "") + 16
    for _, call in ipairs(message.tool_calls or {}) do n = n + #call.name + #call.arguments + 32 end
  end
  for _, tool in ipairs(ask.tools or {}) do n = n + #(json.encode(tool.parameters) or "") + #tool.description + 64 end
  return n
end

local function offered(list)
  local out = {}
  for i, tool in ipairs(list) do
    out[i] = { type = "function", ["function"] = { name = tool.name, description = tool.description,
      parameters = tool.parameters } }
  end
  return json.array(out)
end

--- The request's body as a table; nil and a sentence where the model has no room left for a reply. A form
--- of the reply is not asked for while tools are offered: most endpoints take one or the other.
---@param endpoint nlsql.Endpoint
---@param ask table messages, tools, schema, max_tokens, temperature
---@return table?, string?
function openai.body(endpoint, ask)
  local messages, model = {}, ask.model or endpoint.model
  local manner = openai.manner(endpoint, model)
  for i, message in ipairs(ask.messages) do messages[i] = message_of(message) end
  local body = {
    model = model, messages = json.array(messages),
    temperature = profiles.temperature(endpoint.profile, model, ask.temperature),
  }
  if ask.max_tokens then
    local limit = refusals.fitting(manner, ask.max_tokens, openai.size(ask))
    if not limit then
      return nil, ("the prompt leaves no room for a reply in the %d tokens that %s takes"):format(manner.window, model)
    end
    body[manner.limit_name] = limit
  end
  if ask.tools then
    body.tools = offered(ask.tools)
  elseif ask.schema then
    body.response_format = response_format(manner.formats[1], ask.schema)
  end
  if endpoint.settings.stream then
    body.stream = true
    body.stream_options = endpoint.profile.usage and { include_usage = true } or nil
  end
  for name in pairs(manner.dropped) do body[name] = nil end
  return body
end

--- The completion in a body: whole JSON, or a stream of events folded into one.
local function completion_of(body)
  if body:find("^%s*{") then
    local value, why = json.decode(body)
    if type(value) ~= "table" then return nil, why or "no object" end
    return value, nil, body, true
  end
  local text, report = json.fold(body)
  if not text then return nil, report end
  return json.decode(text), nil, text, report.done and report.garbled == 0 -- a lost event may hold a part of the text
end

---@class nlsql.Usage
---@field tokens_in integer
---@field tokens_out integer      reasoning included
---@field tokens_cached integer   of tokens_in: read from the endpoint's cache
---@field tokens_written integer  of tokens_in: put there
---@field cost number?            dollars, where the endpoint says

--- More than any call costs: an amount beyond it is no amount.
local MOST_DOLLARS = 1e6

local function usage_of(completion)
  local usage = completion.usage
  if type(usage) ~= "table" then return nil end
  local function whole(value) return math.type(value) == "integer" and value >= 0 and value < 1 << 40 and value or nil end
  local tokens_in, tokens_out = whole(usage.prompt_tokens), whole(usage.completion_tokens)
  if not tokens_in or not tokens_out then return nil end
  local details = type(usage.prompt_tokens_details) == "table" and usage.prompt_tokens_details or {}
  local cost = usage.cost
  return {
    tokens_in = tokens_in,
    -- where reasoning is not part of completion_tokens, it is of total_tokens
    tokens_out = math.max(tokens_out, (whole(usage.total_tokens) or 0) - tokens_in),
    tokens_cached = whole(details.cached_tokens) or 0,
    tokens_written = whole(details.cache_write_tokens) or whole(usage.cache_creation_input_tokens) or 0,
    cost = type(cost) == "number" and cost >= 0 and cost < MOST_DOLLARS and cost or nil,
  }
end

--- The calls of tools in a message, as the rest of the program has them. A call without an id gets
--- one; arguments that came as an object become text.
---@return nlsql.ToolCall[]?
local function calls_of(message)
  if type(message.tool_calls) ~= "table" or not json.is_array(message.tool_calls) then return nil end
  local calls = {}
  for i, call in ipairs(message.tool_calls) do
    local f = type(call) == "table" and type(call["function"]) == "table" and call["function"] or {}
    local arguments = f.arguments
    if type(arguments) == "table" and arguments ~= json.null then arguments = json.encode(arguments) end
    calls[i] = {
      id = type(call) == "table" and type(call.id) == "string" and call.id ~= "" and call.id or "call_" .. i,
      name = type(f.name) == "string" and f.name or "",
      arguments = type(arguments) == "string" and arguments or "",
    }
  end
  return #calls > 0 and calls or nil
end

--- Reads a completion (as stored, or as it came) into a reply.
---@return nlsql.Reply
function openai.read(completion)
  local choice = type(completion.choices) == "table" and completion.choices[1]
  local reply = { usage = usage_of(completion), content = "" }
  if type(completion.error) == "table" or type(completion.error) == "string" then
    local e = completion.error
    reply.outcome = "error_body"
    reply.message = type(e) == "table" and tostring(e.message) or tostring(e)
    return reply
  end
  if type(choice) ~= "table" or type(choice.message) ~= "table" then
    reply.outcome = "no_choices"
    return reply
  end
  local message = choice.message
  reply.content = type(message.content) == "string" and message.content or ""
  -- llama-server, where its template does not fit the model, puts all of a finished answer there
  if reply.content == "" and choice.finish_reason == "stop" and type(message.reasoning_content) == "string"
    and not message.tool_calls then
    reply.content = message.reasoning_content
  end
  reply.tool_calls = calls_of(message)
  if type(message.refusal) == "string" and message.refusal ~= "" then
    reply.outcome, reply.message = "refusal", message.refusal
  elseif choice.finish_reason == "content_filter" then
    reply.outcome = "content_filter"
  elseif choice.finish_reason == "length" then
    reply.outcome = "length"
  elseif reply.tool_calls then
    reply.outcome = "tool_calls"
  elseif reply.content == "" then
    reply.outcome = "empty"
  else
    reply.outcome = "ok"
  end
  return reply
end

---@class nlsql.Reply
---@field outcome string   ok, tool_calls, length, broken, refusal, content_filter, empty, no_choices, error_body, no_tools
---                         (tools were offered, the endpoint cannot call any, nothing was asked), or a failure
---@field content string   what the model wrote, "" where nothing
---@field tool_calls nlsql.ToolCall[]? what it wants called, in its order; the last may be cut where the outcome is "length"
---@field message string?  the endpoint's or the refusal's own words
---@field usage nlsql.Usage?  nil where not reported
---@field stored string?   the completion as JSON, to be recorded
---@field failure string?  nil where a completion came; else "retry", "learn", "item" (hopeless for this request, not for
---                         others) or "fatal"
---@field slow boolean?     the endpoint asks to slow down
---@field header (fun(name: string): string?)? its headers
---@field retry_after number? seconds
---@field sent boolean     the request may have reached the endpoint (and be paid for)
---@field seconds number
---@field exhausted boolean? whoever asks again gets nothing new

local RETRIED = { [408] = true, [409] = true, [425] = true, [429] = true }

--- Statuses that ask to slow down: too many requests, unavailable, and Anthropic's overloaded.
local SLOW = { [429] = true, [503] = true, [529] = true }

local function failed(reply, failure, outcome, message)
  reply.failure, reply.outcome, reply.message = failure, outcome, message
  return reply
end

--- Seconds that the endpoint asks to wait: in milliseconds where it says so (Azure, OpenAI).
local function wait_of(got)
  local ms = tonumber(http.header(got, "retry-after-ms"))
  return ms and ms >= 0 and ms < 1e9 and ms / 1000 or got.retry_after
end

--- What a status of 400 or above makes of a reply.
local function refused(endpoint, reply, got, body, size)
  local status, model = got.status, body.model
  local manner = openai.manner(endpoint, model)
  local message, kind = refusals.text(got.body)
  local outcome, named = "http_" .. status, ("HTTP %d: %s"):format(status, message)
  reply.slow = SLOW[status] or status >= 500 and refusals.busy(message, kind) or nil
  if refusals.out_of_money(kind) then
    reply.slow = nil
    return failed(reply, "fatal", "no_credit", named)
  end
  local bad = status == 400 or status == 413 or status == 422
  if refusals.tools(manner, status, message, body) or bad and refusals.learn(manner, message, body, size) then
    keep_manner(endpoint, model, manner)
    return failed(reply, "learn", outcome, named)
  end
  if RETRIED[status] or status >= 500 and kind ~= "exceed_context_size_error" then
    return failed(reply, "retry", outcome, named)
  end
  if (bad or status >= 500) and refusals.too_long(message, kind) then return failed(reply, "item", "too_long", named) end
  if (bad or status == 403) and refusals.filtered(message, kind) then
    return failed(reply, nil, "content_filter", message)
  end
  return failed(reply, "fatal", outcome, named)
end

--- An error in the place of a completion: worth another try, unless it says otherwise.
local function error_body(reply, completion)
  local e = completion.error
  local code = type(e) == "table" and e.code
  local kind = type(e) == "table" and (type(code) == "string" and code or type(e.type) == "string" and e.type) or ""
  reply.slow = SLOW[code] or refusals.busy(reply.message, kind) or nil
  return failed(reply, refusals.out_of_money(kind) and "fatal" or "retry", "error_body", reply.message)
end

--- One request, one reply, no retries.
---@param endpoint nlsql.Endpoint
---@param body table
---@param text string the body as JSON
---@param size integer? of what is said: openai.size
---@return nlsql.Reply
function openai.send(endpoint, body, text, size)
  local settings = endpoint.settings
  local got, why, code = http.request {
    url = profiles.chat_url(settings, body.model), body = text,
    headers = { ["Content-Type"] = "application/json" },
    connect = settings.connect_timeout, idle = settings.idle_timeout, total = settings.total_timeout,
    max_reply = settings.max_reply_bytes,
  }
  if not got then return { failure = "fatal", outcome = code, message = why, content = "", sent = false, seconds = 0 } end
  local reply = { content = "", sent = got.sent, seconds = got.seconds, retry_after = wait_of(got) }
  function reply.header(name) return http.header(got, name) end
  local status = got.status
  if status >= 400 then
    local told = json.decode(got.body)
    reply.usage = type(told) == "table" and usage_of(told) or nil -- a failed call may be billed
    return refused(endpoint, reply, got, body, size or 0)
  end
  if status ~= 0 and (status < 200 or status > 299) then
    return failed(reply, "fatal", "http_" .. status, ("HTTP %d: not a Chat Completions endpoint"):format(status))
  end
  if got.error and got.body == "" then
    return failed(reply, "retry", got.code, got.error)
  end
  local completion, unreadable, stored, whole = completion_of(got.body)
  if not completion then
    return failed(reply, "retry", got.error and got.code or "garbled",
      got.error or ("the reply cannot be read: " .. tostring(unreadable)))
  end
  local read = openai.read(completion)
  for name, value in pairs(read) do reply[name] = value end
  reply.stored = stored
  if read.outcome == "error_body" then return error_body(reply, completion) end
  if got.error or not whole then
    reply.outcome = "broken"
    reply.message = got.error or "the stream ended early"
  end
  return reply
end

return openai

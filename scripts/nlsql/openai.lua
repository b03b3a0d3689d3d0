--- openai: the provider for any endpoint that speaks Chat Completions.
---
--- What an endpoint does not understand (a kind of response_format, the name of the output limit,
--- temperature, stream options, tools) is found out from its own refusal and remembered for the run.

local http = require "nlsql.http"
local json = require "nlsql.json"

local openai = { reads_prompts = true }

---@class nlsql.Endpoint
---@field url string          the chat completions URL
---@field model string
---@field settings table      timeouts, stream, temperature, …
---@field formats string[]    kinds of response_format still worth trying, best first
---@field limit_name string   "max_completion_tokens" or "max_tokens"
---@field dropped table<string, boolean> parameters that this endpoint refused
---@field no_tools boolean?   it cannot call tools: it said so

--- How an endpoint is to be spoken to. `settings.base_url` ends in /v1 or the like.
---@return nlsql.Endpoint
function openai.open(settings)
  return {
    url = settings.base_url:gsub("/+$", "") .. "/chat/completions",
    model = settings.openai_model,
    settings = settings,
    formats = { "json_schema", "json_object", "plain" },
    limit_name = settings.base_url:find("api.openai.com", 1, true) and "max_completion_tokens" or "max_tokens",
    dropped = {},
  }
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

--- The request's body as a table. A form of the reply is not asked for while tools are offered:
--- most endpoints take one or the other.
---@param endpoint nlsql.Endpoint
---@param ask table messages, tools, schema, max_tokens, temperature
function openai.body(endpoint, ask)
  local messages = {}
  for i, message in ipairs(ask.messages) do messages[i] = message_of(message) end
  local body = {
    model = ask.model or endpoint.model,
    messages = json.array(messages),
    temperature = ask.temperature,
  }
  body[endpoint.limit_name] = ask.max_tokens
  if ask.tools then
    local offered = {}
    for i, tool in ipairs(ask.tools) do
      offered[i] = { type = "function", ["function"] = { name = tool.name, description = tool.description,
        parameters = tool.parameters } }
    end
    body.tools = json.array(offered)
  elseif ask.schema then
    body.response_format = response_format(endpoint.formats[1], ask.schema)
  end
  if endpoint.settings.stream then
    body.stream = true
    body.stream_options = { include_usage = true }
  end
  for name in pairs(endpoint.dropped) do body[name] = nil end
  return body
end

--- How endpoints name what they lack: Ollama "… does not support tools", vLLM '"auto" tool choice
--- requires …', llama-server "tools param requires --jinja flag", OpenRouter "… support tool use".
local TOOL_WORDS = { "tools", "tool_choice", "tool choice", "tool use", "tool calling", "tool-calling", "function calling",
  "function-calling" }

--- Does a refusal of this status say that the endpoint cannot call tools? Some say so with another
--- status than 400; those say more of other things, so there the lack must be named too.
local function lacks_tools(status, words)
  if words:find("context length", 1, true) then return false end -- which may count the tools' tokens
  local named = false
  for _, word in ipairs(TOOL_WORDS) do named = named or words:find(word, 1, true) ~= nil end
  if not named or status == 400 or status == 422 then return named end
  return words:find("support", 1, true) ~= nil or words:find("requires", 1, true) ~= nil
end

--- Statuses with which endpoints say that they cannot call tools.
local TOOL_STATUS = { [400] = true, [404] = true, [422] = true, [500] = true, [501] = true }

--- Notes that the endpoint cannot call tools, where its refusal of `sent` says so.
local function learn_tools(endpoint, status, message, sent)
  if not sent.tools or not TOOL_STATUS[status] or not lacks_tools(status, message:lower()) then return false end
  endpoint.no_tools = true
  return true
end

--- Learns from a 400 that names what it did not understand. True where another try makes sense.
---@param endpoint nlsql.Endpoint
---@param message string the endpoint's own words
---@param sent table the body that it refused
---@return boolean again
function openai.learn(endpoint, message, sent)
  local words = message:lower()
  local function names(word) return words:find(word, 1, true) ~= nil end
  if sent.response_format and (names("response_format") or names("json_schema") or names("json_object")
      or names("structured output")) then
    -- another call may have learnt it while this one was under way
    if endpoint.formats[1] == (sent.response_format.type) then table.remove(endpoint.formats, 1) end
    return true
  end
  if sent.max_tokens and names("max_completion_tokens") then
    endpoint.limit_name = "max_completion_tokens"
    return true
  elseif sent.max_completion_tokens and (names("max_tokens") or names("max_completion_tokens")) then
    endpoint.limit_name = "max_tokens"
    return true
  end
  for _, name in ipairs { "stream_options", "temperature" } do
    if sent[name] and names(name) then
      endpoint.dropped[name] = true
      return true
    end
  end
  return false
end

local function error_text(body)
  local value = json.decode(body)
  local e = type(value) == "table" and value.error
  if type(e) == "table" and type(e.message) == "string" then return e.message end
  if type(e) == "string" then return e end
  local flat = body:sub(1, 300):gsub("<[^>]*>", " "):gsub("%s+", " ")
  return flat ~= "" and flat or "(no text)"
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

local function usage_of(completion)
  local usage = completion.usage
  if type(usage) ~= "table" then return nil end
  local function whole(value) return math.type(value) == "integer" and value >= 0 and value or nil end
  local tokens_in, tokens_out = whole(usage.prompt_tokens), whole(usage.completion_tokens)
  if not tokens_in or not tokens_out then return nil end
  local details = usage.prompt_tokens_details
  return {
    tokens_in = tokens_in,
    tokens_out = tokens_out,
    tokens_cached = type(details) == "table" and whole(details.cached_tokens) or 0,
    cost = type(usage.cost) == "number" and usage.cost or nil, -- dollars, where the endpoint says
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
---@field usage table?     tokens_in, tokens_out, tokens_cached, cost (dollars); nil where not reported
---@field stored string?   the completion as JSON, to be recorded
---@field failure string?  nil where a completion came; else "retry", "learn" or "fatal"
---@field retry_after number? seconds
---@field sent boolean     the request may have reached the endpoint (and be paid for)
---@field seconds number
---@field exhausted boolean? whoever asks again gets nothing new

local RETRIED = { [408] = true, [409] = true, [425] = true, [429] = true }

local function failed(reply, failure, outcome, message)
  reply.failure, reply.outcome, reply.message = failure, outcome, message
  return reply
end

--- One request, one reply, no retries.
---@param endpoint nlsql.Endpoint
---@param body table
---@param text string the body as JSON
---@return nlsql.Reply
function openai.send(endpoint, body, text)
  local settings = endpoint.settings
  local got, why, code = http.request {
    url = endpoint.url, body = text,
    headers = { ["Content-Type"] = "application/json" },
    connect = settings.connect_timeout, idle = settings.idle_timeout, total = settings.total_timeout,
    max_reply = settings.max_reply_bytes,
  }
  if not got then return { failure = "fatal", outcome = code, message = why, content = "", sent = false, seconds = 0 } end
  local reply = { content = "", sent = got.sent, seconds = got.seconds, retry_after = got.retry_after }
  local status = got.status
  if status >= 400 then
    local message = error_text(got.body)
    local named = ("HTTP %d: %s"):format(status, message)
    if learn_tools(endpoint, status, message, body) then return failed(reply, "learn", "http_" .. status, named) end
    if RETRIED[status] or status >= 500 then return failed(reply, "retry", "http_" .. status, named) end
    if (status == 400 or status == 422) and openai.learn(endpoint, message, body) then
      return failed(reply, "learn", "http_" .. status, named)
    end
    if status == 400 and message:find("content", 1, true) and message:find("filter", 1, true) then
      return failed(reply, nil, "content_filter", message)
    end
    return failed(reply, "fatal", "http_" .. status, named)
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
  if read.outcome == "error_body" then return failed(reply, "retry", "error_body", read.message) end
  if got.error or not whole then
    reply.outcome = "broken"
    reply.message = got.error or "the stream ended early"
  end
  return reply
end

return openai

--- refusals: what an endpoint's refusal says about it.
---
--- Servers that speak Chat Completions refuse what they do not know in words of their own. Whatever one
--- is understood to lack is left out, or called otherwise, for that model from then on.

local json = require "nlsql.json"

local refusals = {}

---@class nlsql.Manner   how one model is to be asked, as far as is known
---@field formats string[]    kinds of response_format still worth trying, best first
---@field limit_name string   "max_completion_tokens" or "max_tokens"
---@field dropped table<string, boolean> parameters that were refused
---@field no_tools boolean?   it cannot call tools: it said so
---@field most_output integer?  tokens of a reply at most
---@field window integer?     tokens of request and reply together
---@field density number?     tokens a byte, where a refusal counted those of a request

--- The words of an error, and its code or type. Most put them into `error`; vLLM had them at the top, LM
--- Studio and Ollama's own interface have a text there, some an `errors` list or a `detail`.
---@param body string
---@return string words
---@return string kind "" where nothing is said
function refusals.text(body)
  local value = json.decode(body)
  local e = type(value) == "table" and value ~= json.null and value.error or nil
  if type(e) == "string" then return e, "" end
  if type(e) ~= "table" or type(e.message) ~= "string" then e = value end
  if type(e) == "table" and type(e.message) == "string" then
    local code = type(e.code) == "string" and e.code or type(e.type) == "string" and e.type or ""
    return e.message, code
  end
  if type(value) == "table" and type(value.detail) == "string" then return value.detail, "" end
  local flat = body:sub(1, 300):gsub("<[^>]*>", " "):gsub("%s+", " "):match("^ ?(.-) ?$")
  return flat ~= "" and flat or "(no text)", ""
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
---@param manner nlsql.Manner
---@param status integer
---@param message string the endpoint's own words
---@param sent table
---@return boolean again
function refusals.tools(manner, status, message, sent)
  if not sent.tools or not TOOL_STATUS[status] or not lacks_tools(status, message:lower()) then return false end
  manner.no_tools = true
  return true
end

local function number_in(words, patterns)
  for _, pattern in ipairs(patterns) do
    local found = words:match(pattern)
    if found then return math.tointeger(tonumber((found:gsub(",", "")))) end
  end
end

--- Where a request and its reply are too long together: OpenAI's and vLLM's older wording has "N in the
--- messages", vLLM's newer "has N input tokens" and "at least N input tokens".
local WINDOW = { "maximum context length is ([%d,]+)", "context size %(([%d,]+) tokens%)", "context length of ([%d,]+)" }
local INPUT = { "([%d,]+) in the messages", "([%d,]+) of text input", "([%d,]+) input tokens", "passed ([%d,]+)" }
--- Where the reply's limit alone is too high: "supports at most 4096 completion tokens", Anthropic's
--- "max_tokens: 20000 > 8192, which is the maximum allowed number of output tokens".
local OUTPUT = { "at most ([%d,]+) completion tokens", "at most ([%d,]+) output tokens",
  "> ([%d,]+), which is the maximum allowed",
  "max_tokens must be less than or equal to ([%d,]+)" }

--- Tokens of a reply below which it is not worth asking for.
refusals.LEAST_OUTPUT = 128

--- Learns a limit on tokens. True where the request can be sent again with a lower one.
local function learn_limit(manner, words, sent, bytes)
  local limit = sent[manner.limit_name] or sent.max_tokens or sent.max_completion_tokens
  if not limit then return false end
  local output = number_in(words, OUTPUT)
  if output and output < limit then
    manner.most_output = output
    return output > 0
  end
  local window, input = number_in(words, WINDOW), number_in(words, INPUT)
  if not window or not input or input + limit <= window or bytes == 0 then return false end
  manner.window, manner.density = window, math.max(manner.density or 0, input / bytes)
  return window - input >= refusals.LEAST_OUTPUT
end

--- The output limit that fits, for a request of so many bytes; nil: there is no room for a reply.
---@param manner nlsql.Manner
---@param wanted integer
---@param bytes integer
---@return integer?
function refusals.fitting(manner, wanted, bytes)
  local most = math.min(wanted, manner.most_output or wanted)
  if manner.window then
    most = math.min(most, manner.window - math.ceil(bytes * manner.density) - 16)
    if most < math.min(wanted, refusals.LEAST_OUTPUT) then return nil end
  end
  return most
end

--- Learns from a 400 that names what it did not understand. True where another try makes sense.
---@param manner nlsql.Manner
---@param message string the endpoint's own words
---@param sent table the body that it refused
---@param bytes integer  how long it was
---@return boolean again
function refusals.learn(manner, message, sent, bytes)
  local words = message:lower()
  local function names(word) return words:find(word, 1, true) ~= nil end
  if learn_limit(manner, words, sent, bytes) then return true end
  if refusals.too_long(message, "") then return false end
  if sent.response_format and (names("response_format") or names("json_schema") or names("json_object")
      or names("structured output")) then
    -- another call may have learnt it while this one was under way
    if manner.formats[1] == sent.response_format.type then table.remove(manner.formats, 1) end
    return true
  end
  if sent.max_tokens and names("max_completion_tokens") then
    manner.limit_name = "max_completion_tokens"
    return true
  elseif sent.max_completion_tokens and (names("max_tokens") or names("max_completion_tokens")) then
    manner.limit_name = "max_tokens"
    return true
  end
  for _, name in ipairs { "stream_options", "temperature" } do
    if sent[name] and names(name) then
      manner.dropped[name] = true
      return true
    end
  end
  return false
end

--- Does a refusal say that the request is longer than the model can take? Then other items may do.
---@param message string
---@param kind string   the error's code or type
---@return boolean
function refusals.too_long(message, kind)
  local words = message:lower()
  if kind == "context_length_exceeded" or kind == "exceed_context_size_error" then return true end
  for _, phrase in ipairs { "context length", "context size", "context window", "prompt is too long", "input is too long" } do
    if words:find(phrase, 1, true) then return true end
  end
  return false
end

--- Does it say that a filter held the request back? Azure's words: "The response was filtered due to the
--- prompt triggering Azure OpenAI's content management policy".
---@param message string
---@param kind string
---@return boolean
function refusals.filtered(message, kind)
  local words = message:lower()
  return kind == "content_filter" or kind == "content_policy_violation"
    or words:find("content", 1, true) ~= nil and words:find("filter", 1, true) ~= nil
end

--- Does it say that the account has no money left? Waiting does not help then: OpenAI says so with 429.
---@param kind string
---@return boolean
function refusals.out_of_money(kind)
  return kind == "insufficient_quota" or kind == "billing_hard_limit_reached" or kind == "billing_not_active"
end

--- Does an error ask to slow down, though its status does not say so?
---@param message string
---@param kind string
---@return boolean
function refusals.busy(message, kind)
  local words = (message .. " " .. kind):lower()
  for _, phrase in ipairs { "overloaded", "rate limit", "rate_limit", "too many requests", "server busy", "at capacity" } do
    if words:find(phrase, 1, true) then return true end
  end
  return false
end

return refusals

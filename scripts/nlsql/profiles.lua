--- profiles: how the known kinds of endpoints differ from OpenAI's.
---
--- Chosen by the address, or by `profile:` in config.yaml. What a profile does not know (a model's own
--- limits, an old version) is found out from the endpoint's refusals: see nlsql.refusals.

local profiles = {}

---@class nlsql.EndpointProfile
---@field name string
---@field hosts string[]?        patterns of host names that tell it
---@field port integer?          by which it is known on other hosts
---@field path string?           pattern of a path that tells it, whatever the host
---@field limit string           what the output limit is called there
---@field formats string[]       kinds of response_format worth trying, best first
---@field usage boolean          is the usage of a stream to be asked for?
---@field overhead integer       tokens that it may add to a request: templates, a prompt for tools
---@field key_header string      what stands before the key in its header
---@field most_temperature number?  what it takes at most
---@field fixed_temperature string[]?  patterns of models that take no temperature of ours
---@field deployments boolean?   the URL names a deployment, and a version in its query
---@field cost boolean?          its usage says what the call cost, in dollars

local BEARER = "Authorization: Bearer "

--- OpenAI's reasoning models; gpt-5-chat is none.
local REASONING = { "^o%d", "^gpt%-5$", "^gpt%-5%-[^c]", "^gpt%-5%-codex" }

--- In the order in which an address is compared with them. The sources: the providers' own pages on their
--- APIs ("OpenAI compatibility", "Chat completions"), as of 2026.
---@type nlsql.EndpointProfile[]
profiles.LIST = {
  { name = "openai", hosts = { "^api%.openai%.com$", "%.api%.openai%.com$" },
    limit = "max_completion_tokens", formats = { "json_schema", "json_object", "plain" }, usage = true, overhead = 512,
    key_header = BEARER, fixed_temperature = REASONING },
  -- a deployment has a name of its own, so which model it is nobody can tell: that is learnt
  { name = "azure", hosts = { "%.openai%.azure%.com$", "%.cognitiveservices%.azure%.com$", "%.services%.ai%.azure%.com$" },
    path = "^/openai/deployments/",
    limit = "max_completion_tokens", formats = { "json_schema", "json_object", "plain" }, usage = true, overhead = 512,
    key_header = "api-key: ", deployments = true },
  -- usage comes unasked; templates and tools are those of whoever serves the model
  { name = "openrouter", hosts = { "^openrouter%.ai$", "%.openrouter%.ai$" },
    limit = "max_tokens", formats = { "json_schema", "json_object", "plain" }, usage = false, overhead = 1024,
    key_header = BEARER, cost = true },
  -- response_format is ignored; tools bring a prompt of a few hundred tokens; above 1 the temperature is cut to it
  { name = "anthropic", hosts = { "^api%.anthropic%.com$" },
    limit = "max_tokens", formats = { "plain" }, usage = true, overhead = 1024, key_header = BEARER, most_temperature = 1 },
  -- ignores max_completion_tokens: what it is not told by this name it does not limit
  { name = "ollama", hosts = { "^ollama%.com$" }, port = 11434,
    limit = "max_tokens", formats = { "json_schema", "json_object", "plain" }, usage = true, overhead = 512,
    key_header = BEARER },
  -- refuses json_object
  { name = "lmstudio", port = 1234,
    limit = "max_tokens", formats = { "json_schema", "plain" }, usage = true, overhead = 512, key_header = BEARER },
  { name = "llama-server", port = 8080,
    limit = "max_tokens", formats = { "json_schema", "json_object", "plain" }, usage = true, overhead = 512,
    key_header = BEARER },
  -- response_format, not the old guided_json and its family, which it ignores in silence
  { name = "vllm", port = 8000,
    limit = "max_tokens", formats = { "json_schema", "json_object", "plain" }, usage = true, overhead = 512,
    key_header = BEARER },
  -- anything else
  { name = "other",
    limit = "max_tokens", formats = { "json_schema", "json_object", "plain" }, usage = true, overhead = 512,
    key_header = BEARER },
}

---@type table<string, nlsql.EndpointProfile>
local by_name = {}
--- The names, in the order of the list.
profiles.NAMES = {} ---@type string[]
for i, one in ipairs(profiles.LIST) do by_name[one.name], profiles.NAMES[i] = one, one.name end

--- Scheme, host, port, path and query of an address.
---@param url string
---@return { scheme: string, host: string, port: integer, path: string, query: string }
local function parts_of(url)
  local scheme, place, rest = url:match("^(%a+)://([^/?#]*)([^#]*)")
  local host, port = (place or ""):match("^(%[[^%]]*%]):?(%d*)$")
  if not host then host, port = (place or ""):match("^([^:]*):?(%d*)$") end
  local path, query = (rest or ""):match("^([^?]*)(.*)$")
  return {
    scheme = (scheme or ""):lower(), host = (host or ""):lower(), path = path, query = query,
    port = math.tointeger(tonumber(port)) or (scheme == "https" and 443 or 80),
  }
end

local function has_one(text, patterns)
  for _, pattern in ipairs(patterns or {}) do
    if text:find(pattern) then return true end
  end
  return false
end

--- The profile of an address: by its host, then by its path, then by its port.
---@param url string
---@return nlsql.EndpointProfile
function profiles.of_url(url)
  local parts = parts_of(url)
  for _, one in ipairs(profiles.LIST) do
    if has_one(parts.host, one.hosts) then return one end
  end
  for _, one in ipairs(profiles.LIST) do
    if one.path and parts.path:find(one.path) or one.port == parts.port then return one end
  end
  return by_name.other
end

--- The profile that these settings choose.
---@param settings table
---@return nlsql.EndpointProfile
function profiles.of(settings)
  return settings.profile and by_name[settings.profile] or profiles.of_url(settings.base_url)
end

--- Azure's newest version of the API that is not a preview.
profiles.API_VERSION = "2024-10-21"

--- Azure's address of a model: the deployment of that name, unless `base_url` names one itself or is of
--- the form that needs none (/openai/v1).
local function azure_url(parts, settings, model)
  local path = parts.path:gsub("/+$", "")
  if path == "" or path == "/openai" then
    local name = model:gsub("[^%w%-._~]", function(c) return ("%%%02X"):format(c:byte()) end)
    path = "/openai/deployments/" .. name
  end
  local query = parts.query
  if path:find("/deployments/", 1, true) and not query:find("[?&]api%-version=") then
    query = query .. (query == "" and "?" or "&") .. "api-version=" .. (settings.api_version or profiles.API_VERSION)
  end
  return path, query
end

--- Where chat completions of a model are asked for. `base_url` may be that address itself, and may have a
--- query, which stays at the end.
---@param settings table
---@param model string
---@return string url
function profiles.chat_url(settings, model)
  local parts = parts_of(settings.base_url)
  local path, query = parts.path:gsub("/+$", ""), parts.query
  if profiles.of(settings).deployments then path, query = azure_url(parts, settings, model) end
  if not path:find("/chat/completions$") then path = path .. "/chat/completions" end
  return settings.base_url:match("^%a+://[^/?#]*") .. path .. query
end

--- The temperature that a model may be sent; nil: none.
---@param profile nlsql.EndpointProfile
---@param model string
---@param wanted number?
---@return number?
function profiles.temperature(profile, model, wanted)
  if not wanted or has_one(model, profile.fixed_temperature) then return nil end
  return math.min(wanted, profile.most_temperature or wanted)
end

return profiles

--- providers: who may answer a request, and what the rest of the library goes by.
---
--- The one place where a provider is named: a further one is a row here and a module with the functions of
--- nlsql.openai (`open`, `body`, `send`, `read`, and those of the others that it needs). What it is asked is
--- decided by these properties, never by its name.

local providers = {}

---@class nlsql.ProviderTraits
---@field module string          loaded by the runs that ask it, and only then: the grammar is large
---@field words string           who answers, in a sentence
---@field noun string            the same in one word
---@field reads_prompts boolean  it does what a prompt says; else what is wanted is told it as data (`task`)
---@field sends boolean          what it is told leaves this program: nothing private may be in it
---@field needs_key boolean      where its endpoint is not on this machine
---@field stand_in boolean?      serves where nobody gave a model
---@field model string?          the model that answers, where `openai_model` does not name it
---@field free string?           why its calls cost nothing

---@type table<string, nlsql.ProviderTraits>
providers.KNOWN = {
  openai = {
    module = "nlsql.openai", words = "a model", noun = "model", reads_prompts = true, sends = true, needs_key = true,
  },
  offline = {
    module = "nlsql.offline", words = "the offline grammar", noun = "grammar", reads_prompts = false, sends = false,
    needs_key = false, stand_in = true, model = "offline", free = "the grammar costs nothing",
  },
}

--- In the order in which they are listed; the first serves where the configuration says nothing.
providers.NAMES = { "openai", "offline" }

--- The one that serves where nobody gave a model.
providers.STAND_IN = nil ---@type string

for _, name in ipairs(providers.NAMES) do
  if providers.KNOWN[name].stand_in then providers.STAND_IN = name end
end

--- The properties of the provider that these settings name.
---@param settings { provider: string? }
---@return nlsql.ProviderTraits
function providers.of(settings) return providers.KNOWN[settings.provider or providers.NAMES[1]] end

--- Why the provider cannot serve with these settings, or nil.
---@param settings table
---@return string?
function providers.fault(settings)
  local module = require(providers.of(settings).module)
  return module.fault and module.fault(settings)
end

return providers

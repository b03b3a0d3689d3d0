--- money: what a call may cost, and what it did cost.
---
--- Amounts are whole nano-dollars (1e-9 USD): a price of 0.10 $ a million tokens is exactly 100 a
--- token. A reservation counts every byte of the request as a token, which a byte-level tokenizer
--- never exceeds, and the whole output limit, at the dearest tier.

local http = require "nlsql.http"
local providers = require "nlsql.providers"

local money = {}

--- Tokens that an endpoint may add to what is sent (chat template, a prompt for tools), where its profile
--- does not say.
money.OVERHEAD_TOKENS = 512

local function nano_per_token(dollars_per_million) return math.ceil(dollars_per_million * 1000) end

---@class nlsql.Price nano-dollars a token
---@field input integer
---@field cached integer      input that the endpoint had in its cache
---@field cache_write integer input that it puts there
---@field output integer

--- The price of a model, from `prices` of the configuration; nil where there is none.
---@param prices table<string, table>?
---@param model string
---@return nlsql.Price?
function money.price(prices, model)
  local p = prices and prices[model]
  if not p then return nil end
  return {
    input = nano_per_token(p.input),
    cached = nano_per_token(p.cached_input or p.input),
    cache_write = nano_per_token(p.cache_write or p.input),
    output = nano_per_token(p.output),
  }
end

money.FREE = { input = 0, cached = 0, cache_write = 0, output = 0 }

--- Days after which a price list is old.
local OLD = 365

--- A sentence where the price of a model is that of a list more than a year old; nil else.
---@param prices table<string, table>?
---@param model string
---@param now integer?  seconds since 1970
---@return string?
function money.age(prices, model, now)
  local own = prices and prices[model]
  local date = own and (own.as_of or prices.as_of)
  local year, month, day = tostring(date):match("^(%d+)-(%d+)-(%d+)$")
  if not year then return nil end
  local days = ((now or os.time()) - os.time { year = year, month = month, day = day, hour = 12 }) // 86400
  if days <= OLD then return nil end
  return ("the price of %s is of %s, more than a year ago: a budget is only as good as its prices (prices: in config.yaml)")
    :format(model, date)
end

--- What calls of a model cost by these settings: nothing on loopback and of the grammar, and nothing
--- that is known where no price is (then there can be no budget: nil and a sentence).
---@param settings table
---@param model string
---@return nlsql.Price?, string? why  "free", "unpriced", or the sentence
function money.of(settings, model)
  if providers.of(settings).free or settings.loopback_is_free and http.is_loopback(settings.base_url) then
    return money.FREE, "free"
  end
  local price = money.price(settings.prices, model)
  if price then return price end
  if settings.budget_usd then
    return nil, ("no price is known for model %q, so a budget cannot be kept: add it to prices: in config.yaml, "
      .. "or take budget_usd away"):format(model)
  end
  return money.FREE, "unpriced"
end

--- The most that a request can cost.
---@param price nlsql.Price
---@param request_bytes integer
---@param max_tokens integer
---@param overhead integer?  tokens that the endpoint may add
---@return integer nano
function money.most(price, request_bytes, max_tokens, overhead)
  local dearest = math.max(price.input, price.cached, price.cache_write)
  return (request_bytes + (overhead or money.OVERHEAD_TOKENS)) * dearest + max_tokens * price.output
end

--- What a call cost, by the endpoint's own word.
---@param price nlsql.Price
---@param usage nlsql.Usage
---@return integer nano
function money.cost(price, usage)
  if usage.cost then return math.ceil(usage.cost * 1e9) end
  local cached = math.min(usage.tokens_cached or 0, usage.tokens_in)
  local written = math.min(usage.tokens_written or 0, usage.tokens_in - cached)
  return (usage.tokens_in - cached - written) * price.input + cached * price.cached + written * price.cache_write
    + usage.tokens_out * price.output
end

--- A budget to go on with: about twice as much, as a round number.
---@param dollars number
---@return number
function money.larger(dollars)
  local twice = math.max(2 * dollars, 0.0001)
  local step = 10 ^ math.floor(math.log(twice, 10))
  return math.ceil(twice / step - 1e-9) * step
end

--- "$1.23", with as many digits as small sums need.
---@param nano integer
function money.show(nano)
  local dollars = nano / 1e9
  if nano ~= 0 and math.abs(dollars) < 0.1 then return ("$%.4f"):format(dollars) end
  return ("$%.2f"):format(dollars)
end

return money

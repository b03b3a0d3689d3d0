--- shape: how much two sets of values look as if one were drawn from the other.
---
--- Serial keys contain each other by accident: 1 to 5 lies within 1 to 500. What tells a reference from
--- an accident then is where the values lie. Keys that rows refer to are drawn from all of the parent's;
--- a quantity is not: it keeps to a corner. So two questions are asked: how likely is it that numbers of
--- that kind would be found there though they have nothing to do with it (`accident`), and how likely
--- that keys drawn at random from the parent would keep so close together (`fit`).

local shape = {}

--- ln of gamma(x), x > 0: Stirling's series, to 1e-10 from 8 on, reached by the recurrence below.
local function ln_gamma(x)
  local shift = 0
  while x < 8 do
    shift = shift - math.log(x)
    x = x + 1
  end
  local r = 1 / x
  return shift + (x - 0.5) * math.log(x) - x + 0.91893853320467274
    + r * (1 / 12 - r * r * (1 / 360 - r * r * (1 / 1260 - r * r / 1680)))
end

local function ln_choose(n, k) return ln_gamma(n + 1) - ln_gamma(k + 1) - ln_gamma(n - k + 1) end

--- The likelihood that `k` different keys, drawn at random from `n` in a row, lie within `span` in a row.
---
--- With C(a, b) ways to choose b of a: a window of `span` keys can stand in n - span + 1 places, and those
--- sets that fit a window one shorter are counted in two of them:
--- (C(span, k) (n - span + 1) - C(span - 1, k) (n - span)) / C(n, k).
---@param k number     different keys, 1 to span
---@param span number  keys between the least and the greatest of them, both counted, k to n
---@param n number     keys of the parent
---@return number      0 to 1
function shape.fit(k, span, n)
  if k <= 1 or span >= n then return 1 end
  local ln = ln_choose(span, k) - ln_choose(n, k)
  local windows = (n - span + 1) - (n - span) * (span - k) / span
  return math.max(0, math.min(1, math.exp(ln) * windows))
end

--- The keys of a parent that lie between two of the child's values, where they are spread evenly.
---@param child { low: number, high: number, distinct: number }
---@param parent { low: number, high: number, distinct: number }
---@return number span between child.distinct and parent.distinct
function shape.span(child, parent)
  local low, high = math.max(child.low, parent.low), math.min(child.high, parent.high)
  local width = parent.high - parent.low + 1
  local span = math.floor((high - low + 1) * parent.distinct / width + 0.5)
  return math.max(math.min(child.distinct, parent.distinct), math.min(parent.distinct, span))
end

--- The share of the whole numbers in its range that a column holds: 1 for a serial key without gaps.
---@param column { low: number, high: number, distinct: number }
---@return number 0 to 1
function shape.density(column)
  return math.min(1, column.distinct / math.max(1, column.high - column.low + 1))
end

return shape

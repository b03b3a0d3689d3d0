--- draw: a seeded source of choices.
---
--- SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014).
--- An instance of its own for each reply, since Lua's math.random is one for the whole state, and
--- who draws when would depend on which item is faster.

local text = require "nlsql.text"

---@class nlsql.Draw
local Draw = {}
Draw.__index = Draw

local draw = {}

--- A source for these words: the same words give the same choices.
---@param ... string|number
---@return nlsql.Draw
function draw.new(...)
  local parts = { ... }
  for i, part in ipairs(parts) do parts[i] = tostring(part) end
  return setmetatable({ state = (string.unpack("<i8", text.key(table.concat(parts, "\0")))) }, Draw)
end

local function next_bits(self)
  self.state = self.state + 0x9E3779B97F4A7C15
  local z = self.state
  z = (z ~ (z >> 30)) * 0xBF58476D1CE4E5B9
  z = (z ~ (z >> 27)) * 0x94D049BB133111EB
  return z ~ (z >> 31)
end

--- A whole number from 1 to n.
function Draw:int(n) return (next_bits(self) >> 1) % n + 1 end

--- A number from 0 up to, but not, 1.
function Draw:real() return (next_bits(self) >> 11) * 2.0 ^ -53 end

--- True with probability p.
function Draw:chance(p) return self:real() < p end

--- One of the list; nil of an empty one.
function Draw:pick(list)
  if #list == 0 then return nil end
  return list[self:int(#list)]
end

--- One of the list, each as likely as its `weight`; nil where all weights are 0.
function Draw:weighted(list)
  local total = 0
  for _, one in ipairs(list) do total = total + one.weight end
  local at = self:real() * total
  for _, one in ipairs(list) do
    at = at - one.weight
    if at < 0 then return one end
  end
end

--- A copy of the list in random order.
function Draw:shuffled(list)
  local out = table.move(list, 1, #list, 1, {})
  for i = #out, 2, -1 do
    local k = self:int(i)
    out[i], out[k] = out[k], out[i]
  end
  return out
end

return draw

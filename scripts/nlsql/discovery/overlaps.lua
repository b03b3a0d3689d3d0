--- overlaps: which columns share values with which, as a scan told it. There may be hundreds of thousands of them, so
--- they stay three numbers each in one list; what follows from those is computed when it is asked for.

local overlaps = {}

---@class nlsql.DiscoveryOverlaps
---@field shared integer[]               child, parent, common; the same of the next one; by child, then parent
---@field first table<integer, integer>  where those of a child begin
---@field last table<integer, integer>   where the last of them begins
local Overlaps = {}
Overlaps.__index = Overlaps

local function flattened(list)
  local sorted, out = table.move(list, 1, #list, 1, {}), {}
  table.sort(sorted, function(a, b)
    if a.child ~= b.child then return a.child < b.child end
    return a.parent < b.parent
  end)
  for i, one in ipairs(sorted) do out[3 * i - 2], out[3 * i - 1], out[3 * i] = one.child, one.parent, one.common end
  return out
end

--- Those of a scan, whichever way it told them.
---@param scan nlsql.Scan
---@return nlsql.DiscoveryOverlaps
function overlaps.of(scan)
  local shared = scan.shared or flattened(scan.overlaps)
  local first, last = {}, {}
  for i = 1, #shared, 3 do
    local child = shared[i]
    first[child] = first[child] or i
    last[child] = i
  end
  return setmetatable({ shared = shared, first = first, last = last }, Overlaps)
end

--- Goes over the columns that hold values of this one: `for parent, common in overlaps:of(child) do`.
---@param child integer
---@return fun(): integer?, integer?
function Overlaps:of(child)
  local shared, i, last = self.shared, (self.first[child] or 1) - 3, self.last[child] or -2
  return function()
    i = i + 3
    if i <= last then return shared[i + 1], shared[i + 2] end
  end
end

--- Goes over all: `for child, parent, common in overlaps:all() do`.
---@return fun(): integer?, integer?, integer?
function Overlaps:all()
  local shared, i = self.shared, -2
  return function()
    i = i + 3
    return shared[i], shared[i + 1], shared[i + 2]
  end
end

--- The distinct values that both have; nil where that is not told.
---@param child integer
---@param parent integer
---@return integer?
function Overlaps:common(child, parent)
  local shared, low = self.shared, self.first[child]
  local high = self.last[child]
  while low and low <= high do
    local middle = low + (high - low) // 6 * 3
    local at = shared[middle + 1]
    if at == parent then return shared[middle + 2] end
    if at < parent then low = middle + 3 else high = middle - 3 end
  end
end

return overlaps

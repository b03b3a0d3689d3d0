--- diff: what changed between two texts, line by line.

local diff = {}

--- Lines beyond which the middle is told as replaced whole: the table of the algorithm is their product.
local MOST = 2000

local function lines_of(text)
  local list = {}
  for line in (text .. "\n"):gmatch("(.-)\n") do list[#list + 1] = line end
  return list
end

--- Lengths of the longest common subsequence of a[i…] and b[j…] (Hunt and Szymanski's problem, by the
--- textbook's dynamic programme).
local function common_lengths(a, b, from, a_to, b_to)
  local rows = {}
  for i = a_to + 1, from, -1 do
    rows[i] = {}
    for j = b_to + 1, from, -1 do
      if i > a_to or j > b_to then
        rows[i][j] = 0
      elseif a[i] == b[j] then
        rows[i][j] = rows[i + 1][j + 1] + 1
      else
        rows[i][j] = math.max(rows[i + 1][j], rows[i][j + 1])
      end
    end
  end
  return rows
end

--- The lines that went and came, "-old" and "+new", with `context` lines around each change (" same")
--- and "…" where more was left out; empty where nothing changed.
---@param old string
---@param new string
---@param context integer?  default 2
---@return string[]
function diff.lines(old, new, context)
  local a, b, marks = lines_of(old), lines_of(new), {}
  local from, a_to, b_to = 1, #a, #b
  while from <= a_to and from <= b_to and a[from] == b[from] do from = from + 1 end
  while a_to >= from and b_to >= from and a[a_to] == b[b_to] do a_to, b_to = a_to - 1, b_to - 1 end
  local function mark(sign, line) marks[#marks + 1] = { sign = sign, line = line } end
  for i = 1, from - 1 do mark(" ", a[i]) end
  local i, j = from, from
  local small = a_to - from < MOST and b_to - from < MOST
  local rows = small and common_lengths(a, b, from, a_to, b_to)
  while i <= a_to or j <= b_to do
    if rows and i <= a_to and j <= b_to and a[i] == b[j] then
      mark(" ", a[i])
      i, j = i + 1, j + 1
    elseif i <= a_to and (not rows or j > b_to or rows[i + 1][j] >= rows[i][j + 1]) then
      mark("-", a[i])
      i = i + 1
    else
      mark("+", b[j])
      j = j + 1
    end
  end
  for k = a_to + 1, #a do mark(" ", a[k]) end
  return diff.around(marks, context or 2)
end

--- The changed lines with those around them.
---@param marks { sign: string, line: string }[]
---@param context integer
---@return string[]
function diff.around(marks, context)
  local wanted, out, left_out = {}, {}, false
  for k, one in ipairs(marks) do
    if one.sign ~= " " then
      for near = math.max(1, k - context), math.min(#marks, k + context) do wanted[near] = true end
    end
  end
  if not next(wanted) then return out end
  for k, one in ipairs(marks) do
    if wanted[k] then
      if left_out then out[#out + 1] = "…" end
      out[#out + 1] = one.sign .. one.line
      left_out = false
    else
      left_out = true
    end
  end
  return out
end

return diff

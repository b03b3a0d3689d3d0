--- words: invented words for stand-ins, of no language, made of syllables.
---
--- Every syllable is a consonant with one of sixteen endings, so that a word is read back into its syllables in
--- one way only: two lists of bytes never give the same word.

local words = {}

--- One for each byte.
local SYLLABLES = {}
for syllable in ("ba be bi bo bu ban bel bin bor bun bar ben bil bos bul bai da de di do du dan del din dor dun dar den "
  .. "dil dos dul dai fa fe fi fo fu fan fel fin for fun far fen fil fos ful fai ga ge gi go gu gan gel gin "
  .. "gor gun gar gen gil gos gul gai ha he hi ho hu han hel hin hor hun har hen hil hos hul hai ja je ji jo "
  .. "ju jan jel jin jor jun jar jen jil jos jul jai ka ke ki ko ku kan kel kin kor kun kar ken kil kos kul "
  .. "kai la le li lo lu lan lel lin lor lun lar len lil los lul lai ma me mi mo mu man mel min mor mun mar "
  .. "men mil mos mul mai na ne ni no nu nan nel nin nor nun nar nen nil nos nul nai pa pe pi po pu pan pel "
  .. "pin por pun par pen pil pos pul pai ra re ri ro ru ran rel rin ror run rar ren ril ros rul rai sa se si "
  .. "so su san sel sin sor sun sar sen sil sos sul sai ta te ti to tu tan tel tin tor tun tar ten til tos "
  .. "tul tai va ve vi vo vu van vel vin vor vun var ven vil vos vul vai za ze zi zo zu zan zel zin zor zun "
  .. "zar zen zil zos zul zai"):gmatch("%S+") do SYLLABLES[#SYLLABLES + 1] = syllable end

--- Bits of one syllable.
words.BITS = 8

--- The word of n bytes from place `at` on, in lower case.
---@param bytes string
---@param at integer
---@param n integer
---@return string
function words.word(bytes, at, n)
  local parts = {}
  for i = 0, n - 1 do parts[i + 1] = SYLLABLES[bytes:byte(at + i) + 1] end
  return table.concat(parts)
end

--- The word in the letter case of a model: all capitals, a capital first, or small letters.
---@param word string
---@param model string
---@return string
function words.cased(word, model)
  local letters = model:gsub("[^%a\x80-\xff]", "")
  if #letters > 1 and letters:find("%u") and not letters:find("%l") then return word:upper() end
  local first = letters:match(utf8.charpattern) or ""
  -- capitals of Latin-1, Greek and Cyrillic
  local capital = first:find("^%u") or first:find("^\xc3[\x80-\x9e]") or first:find("^\xce[\x86-\xab]")
    or first:find("^\xd0[\x80-\xaf]")
  return capital and word:sub(1, 1):upper() .. word:sub(2) or word
end

return words

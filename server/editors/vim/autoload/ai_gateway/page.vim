vim9script
# Windows with something to read: an answer, a report, a file of the server's. q closes them.

const MOST_CHARACTERS = 40

# What a page is called, in words that mean nothing to any command.
def Name(title: string): string
  const words = title->substitute('[[:cntrl:][:punct:][:space:]]\+', ' ', 'g')->trim()
  const short = words->strcharpart(0, MOST_CHARACTERS)
  const name = $'AI: {short}{short == words ? "" : "…"}'
  return bufexists(name) ? $'{name} {bufnr()}' : name
enddef

# Open an empty Markdown page that is gone when it is closed.
export def OpenPage(title: string): number
  execute g:ai_gateway_split
  execute 'silent keepalt file' fnameescape(Name(title))
  setlocal buftype=nofile bufhidden=wipe noswapfile wrap linebreak
  silent! setfiletype markdown
  nnoremap <buffer> <nowait> q <Cmd>close<CR>
  return bufnr()
enddef

# Replace what stands from a line on, unless the page is closed. A cursor that stood at the end stays there.
export def SetPage(bufnr: number, first: number, text: string)
  if !bufexists(bufnr)
    return
  endif
  const window = bufwinid(bufnr)
  const last = getbufinfo(bufnr)[0].linecount
  const was_last = window != -1 && line('.', window) == last
  const lines = text->split("\n", true)
  setbufline(bufnr, first, lines)
  if first + len(lines) <= last
    silent deletebufline(bufnr, first + len(lines), last)
  endif
  if was_last
    win_execute(window, 'normal! G')
  endif
enddef

# Add text at the end.
export def Append(bufnr: number, text: string)
  const last = getbufinfo(bufnr)[0].linecount
  SetPage(bufnr, last, getbufoneline(bufnr, last) .. text)
enddef

# Open a page with this text.
export def Show(title: string, text: string): number
  const bufnr = OpenPage(title)
  setbufline(bufnr, 1, text->split("\n", true))
  return bufnr
enddef

# Open a file beside the code, or go to where it is open. Whoever is typing, or selecting, stays where they are.
export def ShowFile(path: string): bool
  const here = mode() =~ "^[iRvVsSt\<C-s>\<C-v>]" ? win_getid() : 0
  const window = bufwinid(bufadd(path))
  if window != -1
    win_gotoid(window)
  else
    execute g:ai_gateway_split
    Edit(path)
  endif
  if here != 0
    win_gotoid(here)
  endif
  return true
enddef

# Open a file in the current window. What a model wrote may set no options here.
def Edit(path: string)
  const modeline = &g:modeline
  &g:modeline = false
  execute 'edit ' .. fnameescape(path)
  &g:modeline = modeline
  if path =~ '\.md$'
    nnoremap <buffer> <nowait> q <Cmd>close<CR>
  endif
enddef

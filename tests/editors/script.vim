" What the scripts of the tests share, in Vim and in Neovim.

let s:tries = 800

" Tell the test a value.
func Tell(value)
  call writefile([json_encode(a:value)], '/dev/stdout', 'a')
endfunc

" Wait until a function gives something that is not empty, and give it.
func Wait(what, Condition)
  for _ in range(s:tries)
    let found = a:Condition()
    if !empty(found)
      return found
    endif
    sleep 10m
  endfor
  call writefile(['waited in vain for ' .. a:what, execute('messages')], '/dev/stderr', 'a')
  cquit
endfunc

" Wait until there is a file beside the project.
func WaitFor(file)
  call Wait(a:file, {-> filereadable('../' .. a:file)})
endfunc

" All that is to be read in the current buffer.
func Text()
  return join(getline(1, '$'), "\n")
endfunc

" Wait until the current buffer shows this.
func Shown(text)
  call Wait(a:text, {-> stridx(Text(), a:text) >= 0})
  return Text()
endfunc

" Wait until the person is told something like this.
func Told(pattern)
  return Wait(a:pattern, {-> matchstr(execute('messages'), a:pattern)})
endfunc

if has('nvim')
lua << END
-- A menu is kept until the test chooses from it.
vim.ui.select = function(items, options, choose)
  Menu = {
    titles = vim.tbl_map(options.format_item, items),
    choose = function(place)
      choose(items[place], items[place] and place)
    end,
  }
end
END
endif

" What can be chosen from the menu that comes.
func Menu()
  if has('nvim')
    return Wait('the menu', {-> luaeval('Menu and Menu.titles or {}')})
  endif
  call Wait('the menu', {-> popup_list()})
  return getbufline(winbufnr(popup_list()[0]), 1, '$')
endfunc

" Choose what begins so from the menu that comes.
func Pick(title)
  let place = match(Menu(), '^' .. a:title)
  if has('nvim')
    call luaeval('Menu.choose(_A)', place + 1)
  else
    call feedkeys(repeat('j', place) .. "\<CR>", 'xt')
  endif
endfunc

" What the statusline says of the gateway.
func Statusline()
  return has('nvim') ? luaeval('require("ai_gateway").statusline()') : ai_gateway#Statusline()
endfunc

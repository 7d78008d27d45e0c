import pytest
from tests.web.signed import *

async def test_signs_in(database, clock):
    pages = Pages(database, clock)
    admin = await pages.person(ADMIN, admin=True)
    browser = await pages.signed_in(admin)
    for path in ["/console","/console/log","/console/consults","/console/people","/console/teams","/console/content","/console/integrity","/console/system","/console/export","/confirm",f"/console/person/{admin.id}", "/console/overview.csv","/console/log?words=sign+issue&event=sign_in.issue", "/console/log?event=console.read&from=2020-01-01&to=2030-01-01", f"/console/log?case={admin.id.hex}&words=x"]:
        page = await browser.get(path)
        print(path, page.status_code, len(page.text))
        if page.status_code!=200: print(words_on(page))
        assert page.status_code==200

"""`/docs` and `/redoc` out of our own files. Their scripts know addresses of other machines (ReDoc its maker's logo);
the browser is told to ask none of them.
"""

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import HTMLResponse

_ASSETS = "/static-offline-docs"  # where FastAPIOffline puts them
_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_SWAGGER = {
    "validatorUrl": None,
    "defaultModelsExpandDepth": 0,
    "displayRequestDuration": True,
    "filter": True,
    "tryItOutEnabled": True,
}
_HIDDEN = b"<style>a[href*='redocly.com'] img { display: none }</style></head>"


def docs_pages(app: FastAPI) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/docs")
    async def docs(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "")
        return _guarded(
            get_swagger_ui_html(
                openapi_url=f"{root}{app.openapi_url}",
                title=app.title,
                oauth2_redirect_url=None,
                swagger_js_url=f"{root}{_ASSETS}/swagger-ui-bundle.js",
                swagger_css_url=f"{root}{_ASSETS}/swagger-ui.css",
                swagger_favicon_url=f"{root}{_ASSETS}/favicon.png",
                swagger_ui_parameters=_SWAGGER,
            )
        )

    @router.get("/redoc")
    async def redoc(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "")
        page = get_redoc_html(
            openapi_url=f"{root}{app.openapi_url}",
            title=app.title,
            redoc_js_url=f"{root}{_ASSETS}/redoc.standalone.js",
            with_google_fonts=False,
            redoc_favicon_url=f"{root}{_ASSETS}/favicon.png",
        )
        return _guarded(HTMLResponse(bytes(page.body).replace(b"</head>", _HIDDEN)))

    return router


def _guarded(page: HTMLResponse) -> HTMLResponse:
    page.headers["Content-Security-Policy"] = _POLICY
    return page
